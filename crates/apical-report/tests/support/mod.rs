//! What more than one test asks of a figure.

/// Panics where a text leaves the paper or meets another.
pub fn check_texts(stem: &str, scene: &apical_report::Scene) {
    let boxes: Vec<_> = (scene.texts().into_iter().filter(|t| t.width() > 0.0))
        .map(|t| {
            let (along, up) = (t.width(), t.size * 0.72);
            let shift = match t.anchor {
                apical_report::render::Anchor::Start => 0.0,
                apical_report::render::Anchor::Middle => along / 2.0,
                apical_report::render::Anchor::End => along,
            };
            let (x, y) = t.at;
            let area = if t.upright {
                (x - up, y - (along - shift), x, y + shift)
            } else {
                (x - shift, y - up, x - shift + along, y)
            };
            (t.runs[0].text.clone(), area)
        })
        .collect();
    for (i, (name, a)) in boxes.iter().enumerate() {
        assert!(
            a.0 >= 0.0 && a.1 >= 0.0 && a.2 <= scene.width && a.3 <= scene.height,
            "{stem}: {name} leaves the paper"
        );
        for (other, b) in &boxes[..i] {
            assert!(a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1, "{stem}: {name} meets {other}");
        }
    }
}
