//! Random numbers pinned: changed bits are a line under Numerics in the CHANGELOG, never an accident. The literals come
//! from an implementation of Philox4x32-10 and Box-Muller in Python, not from this one.

use apical::kernels::rng::{Draws, Stream, fill_normals, words};

#[test]
fn words_of_every_stream_are_pinned() {
    for (stream, expected) in [
        (Stream::Weights, [0xffad_12c7, 0xa7f1_56b9, 0xf7ca_9584, 0x9d2f_acd9]),
        (Stream::Order, [0xd48f_55fb, 0xb228_75ed, 0x27f1_40a2, 0x6539_2289]),
        (Stream::NoisePyramidal, [0x2b6c_136c, 0x9993_7deb, 0xad98_51a4, 0xf09e_fa19]),
        (Stream::NoiseInterneuron, [0x884f_6d1a, 0x177b_b03a, 0x5de2_c940, 0x679a_f7d1]),
        (Stream::TaskTrain, [0x19ac_430d, 0x4813_279e, 0x50b6_5e86, 0x9691_e524]),
        (Stream::TaskValidation, [0xeebd_0e1c, 0xc66e_6149, 0x7d5f_3207, 0xfada_de83]),
        (Stream::TaskTest, [0x37fe_e8f9, 0x3c59_2701, 0x7c24_a174, 0xb758_acaf]),
        (Stream::TaskFixed, [0xc688_4598, 0xeedb_65d6, 0xafeb_31a8, 0xd303_a5cf]),
        (Stream::Probe, [0x81af_c4b9, 0x2b2d_f105, 0xf2de_4217, 0x3642_7422]),
    ] {
        assert_eq!(words(42, stream, 7, 0), expected, "{stream:?}");
    }
}

#[test]
fn all_bits_of_seed_and_step_count() {
    let step = (5 << 32) + 6;
    assert_eq!(
        words(0x0123_4567_89ab_cdef, Stream::Probe, step, 3),
        [0x3fa0_1ac8, 0xd188_014a, 0xcfd1_4bcb, 0x9423_0a82]
    );
}

#[test]
fn draws_are_pinned() {
    let mut draws = Draws::new(1, Stream::Probe, 0);
    let expected =
        [0x6bbe_5160, 0xd822_d358, 0xbc1f_44a4, 0xef61_e9ce, 0xbdd3_cfbe, 0x3f0b_29fa, 0xef09_b702, 0xfbb3_5d99];
    assert_eq!([(); 8].map(|()| draws.word()), expected);
    let mut draws = Draws::new(1, Stream::Probe, 0);
    let expected = [0.420_872_770_446_418_13, 0.734_852_113_978_724_9, 0.741_513_236_948_816_1];
    assert_eq!([(); 3].map(|()| draws.unit()), expected);
    let mut draws = Draws::new(1, Stream::Probe, 1);
    assert_eq!([(); 10].map(|()| draws.below(10)), [0, 3, 9, 8, 0, 9, 5, 7, 1, 0]);
    let mut items = [0, 1, 2, 3, 4, 5, 6, 7];
    Draws::new(1, Stream::Probe, 2).shuffle(&mut items);
    assert_eq!(items, [6, 3, 2, 5, 0, 4, 7, 1]);
}

#[test]
fn normals_are_pinned() {
    let mut z = [0.0; 8];
    fill_normals(5, Stream::NoisePyramidal, 12, &mut z);
    let expected: [f64; 8] = [
        -0.374_185_673_7,
        -0.824_895_010_7,
        0.260_206_319_0,
        -1.006_940_184_2,
        0.464_474_377_5,
        -1.173_565_045_9,
        -1.941_841_954_2,
        -0.793_027_170_8,
    ];
    for (z, expected) in z.iter().zip(expected) {
        // Values of about 1 computed in f32.
        assert!((f64::from(*z) - expected).abs() < 1e-6, "{z} {expected}");
    }
}

/// Unit u of a population has the same normal however many units there are.
#[test]
fn normals_do_not_depend_on_how_many_are_asked_for() {
    let mut all = [0.0; 13];
    fill_normals(5, Stream::Probe, 3, &mut all);
    for n in 0..13 {
        let mut some = vec![0.0; n];
        fill_normals(5, Stream::Probe, 3, &mut some);
        assert_eq!(some, all[..n]);
    }
}
