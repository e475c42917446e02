//! What is to be cited: nothing is left without an origin, entries are sound, the software is as `CITATION.cff` says.

use apical_lab::cite::{METHODS, MODEL, Origin, REFERENCES, SOFTWARE, Venue, bibtex, reference, text, used};
use apical_lab::config::{PRESETS, Source, preset};
use std::collections::BTreeSet;

fn origins(key: &str) -> Vec<(&'static str, Origin)> {
    METHODS.iter().filter(|m| m.key == key).map(|m| (m.value, m.origin)).collect()
}

#[test]
fn every_learner_solver_and_task_has_an_origin() {
    let known = [
        ("learner.kind", apical::learners::NAMES.map(|(name, _)| name).to_vec()),
        ("solver.kind", apical::solvers::NAMES.map(|(name, _)| name).to_vec()),
        ("task.kind", apical::tasks::TASKS.map(|task| task.name).to_vec()),
    ];
    for (key, names) in known {
        let told: Vec<&str> = origins(key).into_iter().map(|(value, _)| value).collect();
        for name in &names {
            assert_eq!(told.iter().filter(|t| *t == name).count(), 1, "{key} = {name}");
        }
        assert_eq!(told.len(), names.len(), "{key}: a method that there is not: {told:?}");
    }
    for method in METHODS {
        let papers = method.origin.papers();
        assert!(!papers.is_empty() || method.origin == Origin::Users, "{method:?}");
        for key in papers {
            assert!(reference(key).is_some(), "{method:?}: no reference {key}");
        }
        assert!(apical_lab::config::explain(method.key).is_ok(), "{method:?} is no key of a config");
    }
}

#[test]
fn every_reference_is_used_whole_and_unique() {
    let used: BTreeSet<&str> = METHODS.iter().flat_map(|m| m.origin.papers()).copied().collect();
    let keys: Vec<&str> = REFERENCES.iter().map(|r| r.key).collect();
    assert!(keys.is_sorted_by(|a, b| a < b), "sorted, each once: {keys:?}");
    for r in REFERENCES {
        assert!(used.contains(r.key), "{} is the origin of nothing", r.key);
        assert!(
            !r.authors.is_empty() && r.authors.iter().all(|(given, family)| !given.is_empty() && !family.is_empty())
        );
        let first = r.authors[0].1.replace('ø', "o").to_lowercase();
        assert_eq!(r.key, format!("{first}{}", r.year), "key, first author and year agree");
        assert!(r.doi.is_empty() || (r.doi.starts_with("10.") && r.doi.contains('/')), "{}", r.doi);
        let digits = r.arxiv.split('.').map(|part| part.len()).collect::<Vec<_>>();
        assert!(r.arxiv.is_empty() || matches!(digits[..], [4, 4 | 5]), "{}", r.arxiv);
        let findable = !r.doi.is_empty() || !r.arxiv.is_empty() || !r.pages.is_empty() || r.key == "maas2013";
        assert!(findable, "{} cannot be found", r.key);
        assert!(r.venue != Venue::Preprint || !r.arxiv.is_empty());
    }
}

/// Braces match, every field ends with a comma, nothing is left that classic BibTeX cannot read.
#[test]
fn bibtex_is_well_formed() {
    for r in REFERENCES.iter().chain([&SOFTWARE]) {
        let entry = bibtex(r);
        assert!(entry.is_ascii(), "{entry}");
        let mut depth = 0;
        for c in entry.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            assert!(depth >= 0, "{entry}");
        }
        assert_eq!(depth, 0, "{entry}");
        let lines: Vec<&str> = entry.lines().collect();
        assert!(lines[0].starts_with('@') && lines[0].ends_with(&format!("{{{},", r.key)), "{entry}");
        assert!(lines[1..lines.len() - 1].iter().all(|line| line.ends_with("},")), "{entry}");
        assert!(!text(r).contains("  ") && !text(r).contains(". ."), "{}", text(r));
    }
    let expected = r#"@inproceedings{sacramento2018,
  author = {Sacramento, Jo{\~a}o and {Ponte Costa}, Rui and Bengio, Yoshua and Senn, Walter},
  title = {{Dendritic cortical microcircuits approximate the backpropagation algorithm}},
  booktitle = {Advances in Neural Information Processing Systems},
  volume = {31},
  year = {2018},
  eprint = {1810.11393},
  archiveprefix = {arXiv},
}
"#;
    assert_eq!(bibtex(reference("sacramento2018").unwrap()), expected);
    let line = "Urbanczik, R. & Senn, W. (2014). Learning by the dendritic prediction of somatic spiking. Neuron 81(3), \
                521-528. doi:10.1016/j.neuron.2013.11.030";
    assert_eq!(text(reference("urbanczik2014").unwrap()), line);
}

/// The values of a key anywhere in a part of CITATION.cff: it is written with one value a line.
fn values<'a>(part: &'a str, key: &str) -> Vec<&'a str> {
    let lines = part.lines().map(|line| line.trim_start_matches([' ', '-']));
    lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(": ")).map(|value| value.trim_matches('"')).collect()
}

#[test]
fn the_software_is_as_the_citation_file_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../CITATION.cff");
    let file = std::fs::read_to_string(path).unwrap();
    let mut parts = file.split("\n  - type: ");
    let own = parts.next().unwrap();
    assert_eq!(values(own, "title"), [SOFTWARE.title]);
    assert_eq!(values(own, "name"), [SOFTWARE.authors[0].1]);
    let Venue::Software(version, url) = SOFTWARE.venue else { panic!("{SOFTWARE:?}") };
    assert_eq!((values(own, "version"), values(own, "repository-code")), (vec![version], vec![url]));
    assert_eq!(parts.clone().count(), MODEL.len());
    for (part, key) in parts.zip(MODEL) {
        let r = reference(key).unwrap();
        assert_eq!(values(part, "title"), [r.title]);
        assert_eq!(values(part, "family-names"), r.authors.iter().map(|a| a.1).collect::<Vec<_>>());
        assert_eq!(values(part, "given-names"), r.authors.iter().map(|a| a.0).collect::<Vec<_>>());
        assert_eq!(values(part, "year"), [r.year.to_string()]);
        assert!(r.doi.is_empty() || values(part, "doi") == [r.doi]);
        assert!(r.arxiv.is_empty() || values(part, "value") == [format!("arXiv:{}", r.arxiv)]);
        let (name, volume, number) = match r.venue {
            Venue::Journal(name, volume, number) => (name, volume, number),
            Venue::Conference(name, volume) => (name, volume, ""),
            _ => panic!("{r:?}"),
        };
        assert_eq!([values(part, "journal"), values(part, "collection-title")].concat(), [name]);
        assert_eq!(values(part, "volume"), [volume]);
        assert_eq!(values(part, "issue").concat(), number);
        assert_eq!([values(part, "start"), values(part, "end")].concat().join("-"), r.pages);
    }
}

fn keys(text: &str) -> BTreeSet<&'static str> {
    let source = Source::new("x.toml", text, ".");
    used(&source).unwrap().iter().flat_map(|used| used.origin.papers()).copied().collect()
}

#[test]
fn a_config_cites_what_it_uses_and_nothing_else() {
    let net = "[network]\nsizes = [64, 10]\n";
    let own: BTreeSet<&str> = ["sacramento2018", "urbanczik2014", "alpaydin1998"].into();
    assert_eq!(keys(&format!("task = \"digits\"\n{net}")), own);
    // Another learner has no solver, and descends plainly unless told otherwise.
    assert_eq!(
        keys(&format!("task = \"digits\"\nlearner = \"bp\"\n{net}")),
        ["rumelhart1986", "robbins1951", "alpaydin1998"].into()
    );
    let more = "[train]\nschedule = \"cosine\"\n[learner]\nkind = \"ep\"\nnudging = \"positive\"\n[learner.optimiser]\n\
                kind = \"adamw\"\nclip = 1.0\n[task]\nkind = \"mnist\"\n";
    let ep = ["scellier2017", "ernoult2019", "kingma2015", "loshchilov2019", "loshchilov2017", "pascanu2013"];
    let data = ["lecun1998", "hendrycks2016"];
    let net = "[network]\nsizes = [784, 10]\nactivation = \"gelu\"\n";
    assert_eq!(keys(&format!("{net}{more}")), ep.into_iter().chain(data).collect());
    assert!(used(&Source::new("x.toml", "[network]\nsize = 3\n", ".")).is_err());
}

#[test]
fn every_preset_cites_something_and_a_comparison_all_its_learners() {
    for p in PRESETS {
        let list = used(&preset(p.name).unwrap()).unwrap_or_else(|e| panic!("{}: {e:?}", p.name));
        assert!(list.iter().any(|used| used.why.starts_with("task.kind")), "{}: {list:?}", p.name);
    }
    let all: BTreeSet<String> =
        used(&preset("compare-digits").unwrap()).unwrap().into_iter().map(|used| used.why).collect();
    for name in ["microcircuit", "bp", "fa", "dfa", "sign-symmetric", "ep", "pc", "dtp"] {
        assert!(all.contains(&format!("learner.kind = \"{name}\"")), "{all:?}");
    }
}
