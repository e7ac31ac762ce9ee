//! The links of the documents: each leads to a file that is there, and to a heading that is in it. That of `docs/` a
//! site can be made (`mdbook build`): each of its pages is in `docs/SUMMARY.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::{house::files, support::root};

/// A document: where its links lead, and what in it can be linked to.
#[derive(Default)]
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

/// Reads a document. GitHub and mdBook agree on what a heading is linked by: its letters and digits in lower case, with a
/// hyphen for each space, and a number from the second one of a name on.
fn read(text: &str) -> Page {
    let mut page = Page::default();
    let mut heading: Option<String> = None;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => heading.iter_mut().for_each(|heading| heading.push_str(&text)),
            Event::End(TagEnd::Heading(_)) => {
                let heading = heading.take().unwrap().to_lowercase();
                let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
                let anchor: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
                let times = seen.entry(anchor.clone()).or_default();
                page.anchors.insert(if *times == 0 { anchor } else { format!("{anchor}-{times}") });
                *times += 1;
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                page.links.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                assert!(!html.contains("href=") && !html.contains("src="), "not seen to by this test: {html}");
            }
            _ => {}
        }
    }
    page
}

/// What is wrong with the link of a page that lies at `at`.
fn fault(at: &Path, link: &str) -> Option<String> {
    if ["https://", "http://", "mailto:"].iter().any(|elsewhere| link.starts_with(elsewhere)) {
        return None;
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let target = if file.is_empty() { at.to_owned() } else { at.parent().unwrap().join(file) };
    if !target.exists() {
        return Some(format!("{}: {link} leads to no file", at.display()));
    }
    if !target.canonicalize().unwrap().starts_with(root()) {
        return Some(format!("{}: {link} leads out of the repository", at.display()));
    }
    let anchor = anchor?;
    let anchors = read(&fs::read_to_string(&target).unwrap()).anchors;
    (!anchors.contains(anchor)).then(|| format!("{}: {link} leads to no heading; there are {anchors:?}", at.display()))
}

/// The documents. Templates of GitHub's are filled in elsewhere.
fn documents() -> Vec<PathBuf> {
    let root = root();
    let written = |file: &PathBuf| !file.starts_with(root.join(".github")) && !file.starts_with(root.join("dist"));
    files(&root, "md").into_iter().filter(written).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut seen = 0;
    let mut faults = Vec::new();
    for file in documents() {
        let links = read(&fs::read_to_string(&file).unwrap()).links;
        seen += links.len();
        faults.extend(links.iter().filter_map(|link| fault(&file, link)));
    }
    assert!(seen > 100, "{seen}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = root().join("docs/configuration.md");
    for link in ["portkey.md", "../README.md", "portkey.md#prices", "#references", "../wit/", "https://example.com/x"] {
        assert_eq!(fault(&page, link), None, "{link}");
    }
    for (link, says) in [
        ("no-such.md", "no file"),
        ("README.md/x", "no file"),
        ("portkey.md#no-such", "no heading"),
        ("#no-such", "no heading"),
        ("../../", "out of the repository"),
    ] {
        assert!(fault(&page, link).is_some_and(|fault| fault.contains(says)), "{link}");
    }
}

#[test]
fn a_heading_has_the_anchor_that_github_gives_it() {
    let page = read("# OpenClaw's keys\n## `a.b` (new) - and_c\n## Twice\n## Twice\n\n[x](y#z) ![i](p.svg)\n");
    let anchors: Vec<_> = page.anchors.iter().map(String::as_str).collect();
    assert_eq!(anchors, ["ab-new---and_c", "openclaws-keys", "twice", "twice-1"]);
    assert_eq!(page.links, ["y#z", "p.svg"]);
}

#[test]
fn every_page_is_in_the_site() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed: BTreeSet<_> = read(&summary).links.into_iter().map(|link| docs.join(link)).collect();
    let mut pages: BTreeSet<_> = files(&docs, "md").into_iter().collect();
    assert!(pages.remove(&docs.join("SUMMARY.md")));
    assert_eq!(listed, pages, "each page of docs/ stands in docs/SUMMARY.md, once");
    // The site's preprocessor (xtask/src/site.rs) finds links out of docs/ by how they are written.
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let out = read(&text).links.iter().filter(|link| link.starts_with("..")).count();
        assert_eq!(text.matches("](../").count(), out, "{}: write a link as [text](../file)", page.display());
    }
}
