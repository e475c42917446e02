//! The self-predicting state: interneurons reproduce the cells above them and the apical potential vanishes without a
//! target (Sacramento et al. 2018, section 2.3).

use super::attenuation::Attenuation;
use super::tensors::Tensors;
use crate::kernels::{Mat, Real};

/// The self-predicting value of W^PI_{k,k}: -W^PP_{k,k+1}.
pub fn from_inter<T: Real>(feedback: &Mat<T>) -> Mat<T> {
    Mat { data: feedback.data.iter().map(|&w| -w).collect(), ..*feedback }
}

/// The self-predicting value of W^IP_{k,k} (or its bias): f times the forward weights (or bias) of layer k + 1.
pub fn to_inter<T: Real>(att: &Attenuation, k: usize, depth: usize, forward_above: &Mat<T>) -> Mat<T> {
    let f = T::from_f64(att.self_predicting(k, depth));
    Mat { data: forward_above.data.iter().map(|&w| f * w).collect(), ..*forward_above }
}

/// Sets all interneuron synapses to their self-predicting values.
pub fn set<T: Real>(att: &Attenuation, w: &mut Tensors<T>) {
    let depth = w.pp.len();
    w.pi = w.pb.iter().map(from_inter).collect();
    w.ip = (1..depth).map(|k| to_inter(att, k, depth, &w.pp[k])).collect();
    if !w.bpp.is_empty() {
        w.bip = (1..depth).map(|k| to_inter(att, k, depth, &w.bpp[k])).collect();
    }
}

/// Frobenius norm of W^PI_{k,k} + W^PP_{k,k+1} for each hidden layer: 0 in the self-predicting state.
pub fn distance_pi<T: Real>(w: &Tensors<T>) -> Vec<f64> {
    let distance = |a: &Mat<T>, b: &Mat<T>| {
        a.data.iter().zip(&b.data).map(|(x, y)| (x.to_f64() + y.to_f64()).powi(2)).sum::<f64>().sqrt()
    };
    w.pi.iter().zip(&w.pb).map(|(pi, pb)| distance(pi, pb)).collect()
}

/// Frobenius norm of the distance of W^IP_{k,k} from its self-predicting value, for each hidden layer.
pub fn distance_ip<T: Real>(att: &Attenuation, w: &Tensors<T>) -> Vec<f64> {
    let depth = w.pp.len();
    (1..=w.ip.len())
        .map(|k| {
            let f = att.self_predicting(k, depth);
            let pairs = w.ip[k - 1].data.iter().zip(&w.pp[k].data);
            pairs.map(|(ip, pp)| (ip.to_f64() - f * pp.to_f64()).powi(2)).sum::<f64>().sqrt()
        })
        .collect()
}
