//! A report opened in Chromium: tables sort, curves answer to pointer and keys, the theme changes, nothing is loaded.

use super::browser::Browser;
use super::support::{EULER, Place};
use serde_json::{Value, json};

/// Two configs with two seeds each, and a run that diverges.
fn reported() -> Place {
    let place = Place::with_experiments();
    for eta in ["3.0", "0.3"] {
        for seed in ["1", "2"] {
            place.run(&["quick.toml", "--set", &format!("plasticity.eta_ip={eta}"), "--seed", seed]);
        }
    }
    place.write("wild.toml", EULER.replace("eta_ip = 0.001", "eta_ip = 1e6"));
    assert_eq!(place.apical(&["run", "-q", "wild.toml"]).code, Some(1));
    place
}

#[test]
fn a_reader_sorts_hovers_zooms_and_changes_the_theme() {
    let Ok(program) = std::env::var("APICAL_CHROMIUM") else {
        println!("skipped: a report in a browser (APICAL_CHROMIUM names none; `cargo xtask test` installs one)");
        return;
    };
    let place = reported();
    assert_eq!(place.apical(&["report", "runs"]).code, Some(0));
    let mut browser = Browser::start(&program, place.path());
    browser.resize(1280, 900);
    browser.open(&place.join("report.html"));
    sorts(&mut browser);
    hovers(&mut browser);
    zooms(&mut browser);
    for theme in ["light", "dark"] {
        has_contrast(&mut browser, theme);
    }
    browser.resize(400, 800);
    let wide = browser.value("document.documentElement.scrollWidth");
    assert!(wide.as_u64().unwrap() <= 400, "on a telephone the page is {wide} px wide");
    loads_nothing(&browser);
}

/// The second click turns the order around; what has no number stands last.
fn sorts(browser: &mut Browser) {
    let column = browser.value(
        "[...document.querySelectorAll('#runs th button')].findIndex((b) => b.textContent.startsWith('test error'))",
    );
    let column = column.as_u64().unwrap() + 1;
    let mut orders = Vec::new();
    for _ in 0..2 {
        browser.click(&format!("#runs thead th:nth-child({column}) button"));
        let cells = format!(
            "[...document.querySelectorAll('#runs table')[0].tBodies[0].rows].map((r) => r.cells[{}].textContent)",
            column - 1
        );
        let found: Vec<String> = serde_json::from_value(browser.value(&cells)).unwrap();
        assert_eq!((found.len(), found[4].as_str()), (5, ""), "{found:?}");
        orders.push(found[..4].iter().map(|text| text.parse().unwrap()).collect::<Vec<f64>>());
    }
    assert!(orders[0].is_sorted() && orders[0][0] < orders[0][3], "{orders:?}");
    assert!(orders[1].is_sorted_by(|a, b| a >= b), "{orders:?}");
    assert_eq!(browser.value("document.querySelector('#runs th[aria-sort]').getAttribute('aria-sort')"), "descending");
}

/// The value that is told is the one of the curve.
fn hovers(browser: &mut Browser) {
    let at = browser.place("#curves .live > svg", 0.99, 0.5);
    browser.mouse("mouseMoved", at);
    let tip = browser.value("document.querySelector('#curves .tip').innerText");
    let lasts = browser.value("JSON.parse(document.getElementById('charts').textContent)[0].lines.map((l) => String(Number(l.y.at(-1).toPrecision(4))))");
    let told = |value: &Value| {
        tip.as_str().unwrap().contains(&format!("Classification error (%) {}", value.as_str().unwrap()))
    };
    assert!(lasts.as_array().unwrap().iter().any(told), "{tip} has none of {lasts}");
    assert!(tip.as_str().unwrap().contains("seeds from "), "{tip}");
    browser.mouse("mouseMoved", (1.0, 1.0));
    assert_eq!(browser.value("document.querySelector('#curves .tip').innerText"), "");
}

/// By a rectangle and by keys; all is shown again by a button.
fn zooms(browser: &mut Browser) {
    let axis = "[...document.querySelector('#curves .live > svg').querySelectorAll('text')].map((t) => t.textContent).join(' ')";
    let whole = browser.value(axis);
    let (from, to) = (browser.place("#curves .live > svg", 0.4, 0.3), browser.place("#curves .live > svg", 0.7, 0.6));
    browser.mouse("mousePressed", from);
    browser.mouse("mouseMoved", to);
    browser.mouse("mouseReleased", to);
    let part = browser.value(axis);
    assert_ne!(part, whole);
    browser.click("#curves .tools button:last-child");
    assert_eq!(browser.value(axis), whole);
    browser.value("document.querySelector('#curves .live > svg').focus()");
    browser.key("+");
    assert_ne!(browser.value(axis), whole);
    browser.key("0");
    assert_eq!(browser.value(axis), whole);
    browser.key("ArrowRight");
    assert_ne!(browser.value("document.querySelector('#curves .tip').innerText"), "");
}

/// Text in all its colours can be read on all that lies below it (WCAG AA: 4.5).
fn has_contrast(browser: &mut Browser, theme: &str) {
    let now = "document.documentElement.dataset.theme || 'light'";
    if browser.value(now) != json!(theme) {
        browser.click("#theme");
    }
    assert_eq!(browser.value(now), json!(theme));
    let contrasts = browser.value(
        "(() => { const style = getComputedStyle(document.documentElement); \
         const light = (name) => { const hex = style.getPropertyValue('--' + name).trim(); \
           const part = (i) => { const c = parseInt(hex.slice(i, i + 2), 16) / 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }; \
           return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5); }; \
         return ['ink', 'soft', 'link', 'good', 'bad', 'open'].flatMap((text) => ['paper', 'panel'].map((below) => { \
           const [a, b] = [light(text), light(below)].sort((x, y) => y - x); return [text + ' on ' + below, (a + 0.05) / (b + 0.05)]; })); })()",
    );
    for pair in contrasts.as_array().unwrap() {
        assert!(pair[1].as_f64().unwrap() >= 4.5, "{theme}: {pair}");
    }
    let below = browser.value("getComputedStyle(document.body).backgroundColor");
    assert_eq!(below == json!("rgb(255, 255, 255)"), theme == "light", "{below}");
}

/// No error in the console, and no request but for the page itself and what lies in it.
fn loads_nothing(browser: &Browser) {
    let mut requests = 0;
    for event in &browser.events {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Log.entryAdded" => panic!("{event}"),
            "Runtime.consoleAPICalled" => assert!(params["type"] != "error", "{event}"),
            "Network.requestWillBeSent" => {
                requests += 1;
                let url = params["request"]["url"].as_str().unwrap();
                assert!(url.ends_with("/report.html") || url.starts_with("data:"), "{url}");
            }
            _ => {}
        }
    }
    assert!(requests > 0, "requests are not seen at all");
}
