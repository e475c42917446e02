//! The view at several sizes of the terminal: nothing panics, nothing is cut inside a number, keys do what help says.

use super::*;
use apical_lab::observe::Watch;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::collections::BTreeSet;
use std::path::Path;

const SIZES: [(u16, u16); 6] = [(80, 24), (40, 12), (200, 60), (20, 5), (3, 2), (1, 1)];

/// A run folder of a net of three hidden layers; the third of four epochs.
fn write_run(dir: &Path, name: &str) {
    let run = dir.join(name);
    std::fs::create_dir_all(&run).unwrap();
    let info = r#"{"name": "x", "host": "elsewhere", "presentations": 4760, "epochs": 40, "ended": null}"#;
    std::fs::write(run.join("run.json"), info).unwrap();
    let config = "seed = 17\nprecision = \"f32\"\n[network]\nsizes = [64, 123, 45, 67, 10]\n[learner]\nkind = \"microcircuit\"\n\
                  [solver]\nkind = \"two-step\"\n[task]\nkind = \"digits\"\n[train]\nepochs = 40\n";
    std::fs::write(run.join("config.resolved.toml"), config).unwrap();
    let mut metrics = String::new();
    for i in 1..=300_u64 {
        let mut put = |name: &str, value: f64| {
            let (presentation, epoch) = (10 * i, 10 * i / 119);
            metrics += &format!(
                "{{\"presentation\":{presentation},\"epoch\":{epoch},\"time_ms\":0.0,\"name\":\"{name}\",\"value\":{value:?}}}\n"
            );
        };
        put("validation.error", 0.9 / i as f64);
        put("train.loss", 12.5 / i as f64);
        for k in 1..=3 {
            put(&format!("apical_squared.{k}"), 0.123456 * k as f64 / i as f64);
            put(&format!("interneuron_mismatch_squared.{k}"), 1.5e-7 / (k * i) as f64);
        }
    }
    std::fs::write(run.join("metrics.jsonl"), metrics).unwrap();
    std::fs::write(run.join("log.txt"), "2026-01-02T03:04:05Z started\n2026-01-02T03:04:06Z warning: 0.25 % of the samples did not settle (metric solver.unsettled)\n").unwrap();
}

fn app(dir: &Path) -> App {
    let mut watch = Watch::new(dir).unwrap();
    while watch.look().unwrap() {}
    let mut app = App::new("runs".into(), watch.is_single());
    app.take(Ok(crate::watch::seen(&watch)));
    app
}

/// The rows of the screen.
fn screen(app: &mut App, (columns, rows): (u16, u16)) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| app.draw(frame)).unwrap();
    let cells = terminal.backend().buffer().content();
    let row = |cells: &[ratatui::buffer::Cell]| cells.iter().map(|cell| cell.symbol()).collect::<String>();
    cells.chunks(usize::from(columns)).map(|cells| row(cells).trim_end().to_owned()).collect()
}

/// Words of a text that hold a digit; those with a mark of omission are not numbers.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split([' ', '█', '░', '▏', '▎', '▍', '▌', '▋', '▊', '▉']);
    words.filter(|w| w.chars().any(|c| c.is_ascii_digit()) && !w.contains('…')).map(str::to_owned).collect()
}

fn press(app: &mut App, code: KeyCode) -> Asked {
    app.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn no_size_panics_or_cuts_a_number() {
    let dir = tempfile::tempdir().unwrap();
    (0..30).for_each(|i| write_run(dir.path(), &format!("digits-of-a-long-name-{i:02}-abcdef")));
    for detail in [false, true] {
        let mut app = app(dir.path());
        if detail {
            press(&mut app, KeyCode::Enter);
        }
        // A page far longer than any screen has every number whole.
        let whole = numbers(&screen(&mut app, (300, 100)).join(" "));
        assert!(whole.len() > 10, "{whole:?}");
        for size in SIZES {
            let rows = screen(&mut app, size);
            let cut: Vec<String> = numbers(&rows.join(" ")).difference(&whole).cloned().collect();
            assert!(cut.is_empty(), "{size:?}: {cut:?}\n{}", rows.join("\n"));
        }
    }
}

#[test]
fn a_page_shows_progress_checkpoint_curves_and_layers() {
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path(), "one");
    let mut app = app(&dir.path().join("one"));
    let rows = screen(&mut app, (80, 24));
    let text = rows.join("\n");
    let expected = [
        "one  unfinished",
        "microcircuit  two-step  64-123-45-67-10  digits  f32  seed 17",
        "begun on elsewhere",
        "63 %",
        "epoch 25 of 40  presentation 3000 of 4760",
        "no checkpoint yet",
        "validation.error  0.003000",
        "best 0.003000",
        "train.loss        0.04167",
        "apical error v_A² by layer",
        " 1  0.0004115",
        " 3  0.001235",
        "interneuron mismatch by layer",
        " 2  2.500e-10",
        "warning: 0.25 % of the samples did not settle",
    ];
    for words in expected {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    assert!(rows[23].contains("q quit"), "{text}");
    // What did not fit on a small screen is reached by scrolling.
    assert!(!screen(&mut app, (40, 12)).join(" ").contains("started"));
    (0..20).for_each(|_| assert_eq!(press(&mut app, KeyCode::Down), Asked::Nothing));
    assert!(screen(&mut app, (40, 12)).join(" ").contains("started"));
}

#[test]
fn keys_choose_page_and_leave() {
    let dir = tempfile::tempdir().unwrap();
    (0..40).for_each(|i| write_run(dir.path(), &format!("run-{i:02}")));
    let mut app = app(dir.path());
    let size = (80, 24);
    let marked = |app: &mut App| screen(app, size).into_iter().find(|row| row.starts_with("> ")).unwrap();
    assert!(marked(&mut app).starts_with("> run-00"));
    press(&mut app, KeyCode::Down);
    assert!(marked(&mut app).starts_with("> run-01"));
    press(&mut app, KeyCode::PageDown);
    assert!(marked(&mut app).starts_with("> run-23"));
    press(&mut app, KeyCode::End);
    assert!(marked(&mut app).starts_with("> run-39"));
    press(&mut app, KeyCode::Enter);
    assert!(screen(&mut app, size)[0].starts_with("run-39  unfinished  40/40"));
    press(&mut app, KeyCode::Left);
    assert!(screen(&mut app, size)[0].starts_with("run-38"));
    // A new look does not change what is shown, though the run is no longer the same number.
    write_run(dir.path(), "a-new-run");
    let mut watch = Watch::new(dir.path()).unwrap();
    while watch.look().unwrap() {}
    app.take(Ok(crate::watch::seen(&watch)));
    assert!(screen(&mut app, size)[0].starts_with("run-38  unfinished  40/41"));
    assert_eq!(press(&mut app, KeyCode::Esc), Asked::Nothing);
    assert!(marked(&mut app).starts_with("> run-38"));
    press(&mut app, KeyCode::Home);
    assert!(marked(&mut app).starts_with("> a-new-run"));
    assert_eq!(press(&mut app, KeyCode::Esc), Asked::Quit);
    assert_eq!(press(&mut app, KeyCode::Char('q')), Asked::Quit);
    assert_eq!(app.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)), Asked::Interrupt);
}

#[test]
fn an_empty_folder_and_trouble_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut app = app(dir.path());
    assert_eq!(screen(&mut app, (40, 12))[0], "no runs in runs yet");
    app.take(Err("runs: permission denied".into()));
    assert_eq!(screen(&mut app, (40, 12))[0], "runs: permission denied");
    for code in [KeyCode::Enter, KeyCode::Down, KeyCode::Left, KeyCode::PageUp, KeyCode::End] {
        assert_eq!(press(&mut app, code), Asked::Nothing);
        screen(&mut app, (40, 12));
    }
}
