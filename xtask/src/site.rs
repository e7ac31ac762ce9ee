//! A preprocessor for mdBook, which makes a site of `docs/`: the site holds that folder alone, so links out of it lead
//! to the repository. On GitHub they are right as they stand.

use std::io::{Read, Write};

use anyhow::Context;
use serde_json::Value;

use crate::workspace::Workspace;

/// How mdBook calls it: with `supports` and the name of a renderer to ask, and with no argument to do its work.
#[derive(clap::Args)]
pub(crate) struct Args {
    question: Vec<String>,
}

/// Reads the book from standard input and writes it to standard output, both as mdBook's JSON.
pub(crate) fn run(workspace: &Workspace, args: &Args) -> anyhow::Result<()> {
    if !args.question.is_empty() {
        return Ok(());
    }
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    // In a workflow of GitHub's the address is known. Elsewhere the checkout itself is the place.
    let variable = |name: &str| std::env::var(name).ok();
    let address = match (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY"), variable("GITHUB_SHA")) {
        (Some(server), Some(repository), Some(commit)) => format!("{server}/{repository}/blob/{commit}"),
        _ => format!("file://{}", workspace.root.display()),
    };
    Ok(std::io::stdout().write_all(rewrite(&input, &address)?.as_bytes())?)
}

/// The book, with links to `../` leading to `address`. Of `[context, book]` mdBook wants the second back.
fn rewrite(input: &str, address: &str) -> anyhow::Result<String> {
    let [_, book]: [Value; 2] = serde_json::from_str(input).context("this is no book of mdBook's")?;
    // No link in a page of docs/ is written in another way: a test (tests/all/links.rs) holds them to it.
    Ok(book.to_string().replace("](../", &format!("]({address}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_out_of_the_folder_leads_to_the_repository() {
        let input = r#"[{"root": "/"}, {"items": [{"Chapter": {"content": "[a](../wit/) [b](portkey.md)"}}]}]"#;
        let book: Value = serde_json::from_str(&rewrite(input, "https://example.com/of").unwrap()).unwrap();
        let content = "[a](https://example.com/of/wit/) [b](portkey.md)";
        assert_eq!(book, serde_json::json!({"items": [{"Chapter": {"content": content}}]}));
        assert!(rewrite("{}", "").is_err());
    }
}
