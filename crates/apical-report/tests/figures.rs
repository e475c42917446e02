//! What every figure promises: bytes that repeat, documents that parse, labels on paper, no panic on any data.

mod support;

use apical_report::{
    Axis, Band, Dash, Figure, HeatMap, LimitPoint, Line, Matrix, Panel, Plastic, Scale, Schematic, Series,
    limit_figures, metric_figures,
};
use support::check_texts;

fn falling(run: &str, metric: &str, n: usize, from: f64, to: f64) -> Series {
    let x: Vec<f64> = (1..=n).map(|i| i as f64 * 1000.0).collect();
    let wobble = |i: usize| 1.0 + 0.1 * ((i * i) as f64 * 0.7).sin();
    let y = (0..n).map(|i| from * (to / from).powf(i as f64 / n as f64) * wobble(i)).collect();
    Series { run: run.into(), metric: metric.into(), x, y }
}

fn examples() -> Vec<(String, Figure)> {
    let mut series = vec![
        falling("s18-mnist-3f9a", "train.loss", 100, 0.9, 0.02),
        falling("s18-mnist-3f9a", "validation.loss", 12, 0.8, 0.05),
        falling("s18-mnist-3f9a", "train.error", 100, 0.12, 0.011),
        falling("s18-mnist-3f9a", "validation.error", 12, 0.09, 0.025),
        falling("s18-mnist-3f9a", "apical_squared.1", 5000, 30.0, 0.06),
        falling("s18-mnist-3f9a", "apical_squared.2", 5000, 1.0, 0.0006),
        falling("s18-mnist-3f9a", "distance_pi.1", 3, 2e-5, 1e-5),
        falling("s18-mnist-3f9a", "weight_norm.Wpp.1", 10, 3.0, 4.0),
    ];
    series.push(Series { run: "s18-mnist-3f9a".into(), metric: "test.loss".into(), x: vec![1e5], y: vec![0.06] });
    series.push(Series { run: "s18-mnist-3f9a".into(), metric: "empty".into(), ..Series::default() });
    series[0].y[40..44].fill(f64::NAN);
    let mut figures = metric_figures(&series);

    let two: Vec<Series> = (0..3)
        .flat_map(|seed| {
            let run = format!("seed {seed} <b>&\"");
            let scale = 1.0 + f64::from(seed);
            [falling(&run, "train.loss", 80, scale, 0.1), falling(&run, "validation.loss", 20, scale, 0.3)]
        })
        .collect();
    figures.extend(metric_figures(&two).into_iter().map(|(stem, f)| (format!("runs-{stem}"), f)));

    let many: Vec<Series> = (0..12)
        .flat_map(|seed| {
            [1, 2].map(|k| falling(&format!("sweep of eta, seed {seed}"), &format!("apical_squared.{k}"), 50, 1.0, 0.1))
        })
        .collect();
    figures.extend(metric_figures(&many).into_iter().map(|(stem, f)| (format!("many-{stem}"), f)));

    figures.push(("bands".into(), Figure::one(banded())));

    let panels = figures.iter().take(4).map(|(_, f)| f.panels[0].clone()).collect();
    figures.push(("wide".into(), Figure { width_mm: 174.0, axes_height_mm: 40.0, columns: 2, panels }));
    figures
}

/// Two means with their spread, one of them with a gap, and a level.
fn banded() -> Panel {
    let x: Vec<f64> = (1..=40).map(f64::from).collect();
    let mut panel = Panel::new(Axis::new("Epochs", ""), Axis::new("Validation error", "%"));
    for (i, name) in ["bp", "fa"].into_iter().enumerate() {
        let mut y: Vec<f64> = x.iter().map(|x| 30.0 / x + 3.0 * i as f64).collect();
        let edge = |by: f64| y.iter().map(|y| y * by).collect::<Vec<f64>>();
        let (low, mut high) = (edge(0.7), edge(1.4));
        if i == 1 {
            (y[20], high[20]) = (f64::NAN, f64::NAN);
        }
        panel.bands.push(Band { name: name.into(), colour: i, x: x.clone(), low, high });
        panel.lines.push(Line { name: name.into(), colour: i, dash: Dash::Solid, x: x.clone(), y });
    }
    panel.levels = vec![15.0, 90.0];
    panel
}

#[test]
fn a_band_is_an_area_with_gaps_that_counts_for_the_axis_and_is_in_the_data() {
    let mut panel = banded();
    let svg = Figure::one(panel.clone()).svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let areas: Vec<_> = document.descendants().filter_map(|n| n.attribute("fill-opacity")).collect();
    assert_eq!(areas, ["0.18"; 3], "one unbroken, one in two pieces");
    let data = Figure::one(panel.clone()).csv();
    assert_eq!(data.lines().count(), 1 + 2 * 3 * 40);
    assert!(data.contains("1,\"bp, high\",Epochs,1,Validation error (%),42"), "{data}");
    panel.lines.clear();
    panel.bands.truncate(1);
    let alone = Figure::one(panel).scene();
    let top = alone.texts().iter().filter_map(|t| t.runs[0].text.parse::<f64>().ok()).fold(0.0, f64::max);
    assert!(top >= 40.0, "the axis ends at {top}, the band at 42");
}

#[test]
fn examples_are_the_same_twice_and_parse() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    std::fs::create_dir_all(&folder).unwrap();
    for ((stem, figure), (_, again)) in examples().into_iter().zip(examples()) {
        let (svg, png) = (figure.svg(), figure.png(300.0).unwrap());
        assert!(svg == again.svg() && png == again.png(300.0).unwrap(), "{stem}: other bytes the second time");
        roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{stem}: {e}"));
        for (ext, bytes) in [("svg", svg.into_bytes()), ("png", png), ("csv", figure.csv().into_bytes())] {
            std::fs::write(folder.join(format!("{stem}.{ext}")), bytes).unwrap();
        }
    }
    println!("{}", folder.display());
}

#[test]
fn names_that_do_not_fit_side_by_side_stand_upright_and_are_whole() {
    let names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
    let axis = |names: &[&str]| {
        let names = names.iter().enumerate().map(|(i, name)| (i as f64, (*name).to_owned())).collect();
        Axis { names, range: Some((-0.5, 9.5)), ..Axis::new("Answered class", "") }
    };
    for (square, width_mm) in [(true, 85.0), (false, 85.0), (true, 174.0)] {
        let panel = Panel { square, ..Panel::new(axis(&names), Axis::new("True class", "")) };
        let scene = Figure { width_mm, axes_height_mm: 58.0, ..Figure::one(panel) }.scene();
        check_texts("classes", &scene);
        let upright: Vec<&str> = scene
            .texts()
            .iter()
            .filter(|t| t.upright)
            .filter_map(|t| names.iter().find(|n| **n == t.runs[0].text))
            .copied()
            .collect();
        assert_eq!(upright, names, "{width_mm} mm, square: {square}");
    }
    let panel = Panel::new(axis(&["a", "b"]), Axis::new("y", ""));
    assert!(Figure::one(panel).scene().texts().iter().all(|t| !t.upright || t.runs[0].text == "y"), "these have room");
}

#[test]
fn names_come_back_from_the_svg_as_they_were() {
    let figures = metric_figures(&["<b>&\"", "b'\u{1}"].map(|run| falling(run, "train.loss", 5, 1.0, 0.5)));
    let svg = figures[0].1.svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    assert!(document.descendants().any(|n| n.is_text() && n.text() == Some("<b>&\"")));
    assert!(document.descendants().any(|n| n.is_text() && n.text() == Some("b'\u{fffd}")));
}

#[test]
fn no_text_leaves_the_paper_or_meets_another() {
    for (stem, figure) in examples() {
        check_texts(&stem, &figure.scene());
    }
}

#[test]
fn a_circuit_of_any_depth_is_drawn() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    std::fs::create_dir_all(&folder).unwrap();
    let plastic = Plastic { forward: true, interneuron: true, apical: true, feedback: false };
    for sizes in [&[][..], &[3], &[30, 10], &[30, 20, 10], &[784, 500, 500, 10], &[9; 12]] {
        let scene = Schematic { sizes: sizes.to_vec(), plastic }.scene();
        check_texts(&format!("{sizes:?}"), &scene);
        roxmltree::Document::parse(&scene.svg()).unwrap();
        std::fs::write(folder.join(format!("circuit-{}.png", sizes.len())), scene.png(300.0).unwrap()).unwrap();
    }
}

fn heat_map(n: usize, panels: usize, columns: usize) -> HeatMap {
    let names = (0..n).map(|i| format!("learner {i} <b>, of many words")).collect();
    let degrees =
        |p: usize| (0..n * n).map(move |at| if at == 1 { f64::NAN } else { ((at * 37 + p * 11) % 131) as f64 });
    let panels = (0..panels).map(|p| Matrix { title: format!("layer {p}"), degrees: degrees(p).collect() }).collect();
    HeatMap { width_mm: 174.0, columns, names, panels }
}

#[test]
fn heat_maps_of_any_size_are_drawn_the_same_twice() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    std::fs::create_dir_all(&folder).unwrap();
    for (n, panels, columns) in [(0, 1, 1), (1, 1, 1), (2, 3, 2), (9, 3, 2), (13, 4, 2), (12, 4, 2)] {
        let (map, again) = (heat_map(n, panels, columns), heat_map(n, panels, columns));
        check_texts(&format!("{n} names"), &map.scene());
        let (svg, png) = (map.svg(), map.png(200.0).unwrap());
        assert!(svg == again.svg() && png == again.png(200.0).unwrap(), "{n}: other bytes the second time");
        roxmltree::Document::parse(&svg).unwrap();
        assert_eq!(map.csv().lines().count(), 1 + panels * n * n);
        std::fs::write(folder.join(format!("heat-{n}.png")), png).unwrap();
    }
}

#[test]
fn curves_to_a_limit_are_drawn_a_row_per_layer() {
    let point = |curve: usize, layer: usize, i: i32| LimitPoint {
        figure: "circuit".into(),
        curve: format!("curve {curve}"),
        parameter: ("nudge".into(), "1/ms".into()),
        value: 0.1f64.powi(i),
        layer: format!("Layer {layer}"),
        // The second layer is at its limit.
        degrees: if layer == 2 { 0.0 } else { 0.1f64.powi(i) * (1 + curve) as f64 },
        norm_ratio: if layer == 2 { 1.0 } else { 1.0 + 0.01f64.powi(i) },
    };
    let curves = (0..8).flat_map(|c| (1..=3).flat_map(move |k| (0..4).map(move |i| point(c, k, i))));
    let figures = limit_figures(&curves.collect::<Vec<_>>());
    let [(name, figure)] = &figures[..] else { panic!("one figure, not {}", figures.len()) };
    assert_eq!((name.as_str(), figure.panels.len()), ("circuit", 6));
    assert!(figure.panels[2].title.contains("at the limit"), "{}", figure.panels[2].title);
    check_texts("limit", &figure.scene());
}

#[test]
fn drawn_lines_have_at_most_a_thousand_points() {
    let figures = metric_figures(&[falling("r", "train.loss", 60_000, 1.0, 0.1)]);
    let svg = figures[0].1.svg();
    let document = roxmltree::Document::parse(&svg).unwrap();
    let longest = document.descendants().filter_map(|n| n.attribute("points")).map(|p| p.split(' ').count()).max();
    assert!(longest.is_some_and(|n| n > 500 && n <= 1000), "{longest:?}");
    assert_eq!(figures[0].1.csv().lines().count(), 60_001);
}

#[test]
fn hostile_data_are_drawn_without_panic() {
    let rows: [&[f64]; 9] = [
        &[],
        &[f64::NAN],
        &[f64::NAN, f64::INFINITY, f64::NEG_INFINITY],
        &[0.0],
        &[5e-324, 1e300, f64::MAX, f64::MIN],
        &[1.0, 1.0, 1.0],
        &[1e15, 1e15 + 1.0],
        &[-1e289, 1e289],
        &[1e-280, 1e280],
    ];
    for x in rows {
        for y in rows {
            for scale in [Scale::Linear, Scale::Log] {
                for range in [None, Some((2.0, 1.0)), Some((f64::NAN, 1.0)), Some((0.5, 0.6))] {
                    let axis = || Axis { scale, range, ..Axis::new("label", "") };
                    let line =
                        Line { name: String::new(), colour: 99, dash: Dash::Dotted, x: x.to_vec(), y: y.to_vec() };
                    let panel = Panel { lines: vec![line], ..Panel::new(axis(), axis()) };
                    let figure = Figure { width_mm: f64::NAN, columns: 0, ..Figure::one(panel) };
                    let svg = figure.svg();
                    roxmltree::Document::parse(&svg).unwrap();
                    assert!(
                        !svg.contains("NaN\"") && !svg.contains("NaN,") && !svg.contains("inf"),
                        "{x:?} {y:?} {scale:?} {range:?}"
                    );
                    figure.csv();
                }
            }
        }
    }
    assert!(Figure { panels: vec![], ..examples()[0].1.clone() }.png(100.0).is_ok());
    for dpi in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(examples()[0].1.png(dpi).is_err());
    }
}
