use super::*;

const SAMPLE: &str = "# Title\nText with **bold** and `code`,\nin two lines.\n\n1. one\n2. two\n   - nested\n\n   more of two\n\n```rust\nfn main() {}\n\n# no heading\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quoted\n\n- [x] done\n* [link](https://example.org/x)\nlast ~~word~~";

fn blocks(markdown: &str, size: usize) -> Vec<Block> {
    let (mut blocks, mut cut) = (Blocks::default(), Vec::new());
    let characters: Vec<char> = markdown.chars().collect();
    for piece in characters.chunks(size) {
        blocks.push(&piece.iter().collect::<String>());
        cut.extend(std::iter::from_fn(|| blocks.next()));
    }
    cut.extend(blocks.finish());
    cut
}

fn text(block: &Block) -> &str {
    let (Block::Fence(text) | Block::Code(text) | Block::Text(text)) = block;
    text
}

fn plain(markdown: &str) -> String {
    let mut stream = Stream::new(40);
    let drawn = stream.push(markdown) + &stream.finish();
    anstream::adapter::strip_str(&drawn).to_string()
}

#[test]
fn blocks_are_cut_in_the_same_places_however_they_arrive_and_nothing_is_lost() {
    let whole = blocks(SAMPLE, usize::MAX);
    for size in [1, 2, 3, 7, 50] {
        assert_eq!(blocks(SAMPLE, size), whole, "pieces of {size}");
    }
    assert_eq!(whole.iter().map(text).collect::<String>(), SAMPLE);
    let starts: Vec<_> = whole.iter().map(|block| text(block).lines().next().unwrap_or_default()).collect();
    assert_eq!(
        starts,
        [
            "# Title",
            "Text with **bold** and `code`,",
            "1. one",
            "2. two",
            "```rust",
            "fn main() {}",
            "",
            "# no heading",
            "```",
            "",
            "| a | b |",
            "> quoted",
            "- [x] done",
            "* [link](https://example.org/x)"
        ]
    );
}

#[test]
fn a_block_is_drawn_as_soon_as_it_is_whole() {
    let mut stream = Stream::new(40);
    assert_eq!(stream.push("one **two"), "");
    assert_eq!(stream.push("** three\n"), "", "the paragraph may go on");
    assert_eq!(stream.push("\n"), "one \u{1b}[1mtwo\u{1b}[0m three\n\n");
    assert!(stream.push("```\nlet x;\n").contains("let x;"), "a line of code is whole at its end");
}

#[test]
fn what_nests_without_end_is_shown_as_it_stands() {
    for (open, line) in [(">", "\nb"), ("- ", "\n  b"), ("*a **", " b")] {
        let markdown = format!("{} a{}", open.repeat(1_000), line.repeat(1_000));
        let drawn = plain(&markdown);
        assert!(drawn.len() < 2 * markdown.len(), "{open}: {} of {}", drawn.len(), markdown.len());
        assert_eq!(drawn.matches('b').count(), markdown.matches('b').count(), "{open}");
        assert!(drawn.ends_with("b\n") && !drawn.ends_with("\n\n"), "{open}");
    }
    let hidden = format!("[1]: /u \"{}c{}\"", "*a **b ".repeat(1_000), " x** x*".repeat(1_000));
    assert!(plain(&hidden).len() < 2 * hidden.len() && plain(&hidden).contains('c'));
    let wide = format!("{0}|\n{1}|\n|{2}|", "|a".repeat(1_000), "|-".repeat(1_000), "x".repeat(2_000));
    assert!(plain(&wide).len() < 2 * wide.len());
    assert_eq!(plain(&wide).matches('x').count(), 2_000);
    assert_eq!(plain("> > deep"), "│ │ deep\n");
}

#[test]
fn markdown_reads_well_in_a_terminal() {
    let expected = "\
Title
Text with bold and code, in two lines.

1. one
2. two
   • nested
   more of two

```rust
fn main() {}

# no heading
```

┌───┬───┐
│ a ┆ b │
╞═══╪═══╡
│ 1 ┆ 2 │
└───┴───┘

│ quoted

• [x] done
• link (https://example.org/x) last word
";
    assert_eq!(plain(SAMPLE), expected);
}

/// As Perplexity gives its sources. A block is drawn before the next one is there, so that a reference is left as it
/// stands, and its URL is below.
#[test]
fn references_and_footnotes_show_their_urls() {
    for (markdown, expected) in [
        ("[1]: https://a.example/x\n[2]: https://b.example", "[1]: https://a.example/x\n[2]: https://b.example\n"),
        ("As known[1][2].\n\n[1]: https://a.example", "As known[1][2].\n\n[1]: https://a.example\n"),
        ("[1]: https://a.example\nAs [known][1].", "[1]: https://a.example\nAs [known][1].\n"),
        (
            "See [^1].\n\n[^1]: https://a.example\n[^2]: A book.",
            "See [^1].\n\n[^1]: https://a.example\n[^2]: A book.\n",
        ),
        ("[^1]: A book.\n[^2]: Another one.", "[^1]: A book.\n[^2]: Another one.\n"),
        ("Sources:\n[1]: <https://a.example>", "Sources:\n[1]: https://a.example\n"),
        ("[1]: https://a.example \"A title\"", "[1]: https://a.example \"A title\"\n"),
        ("[1]:\n  https://a.example", "[1]:\nhttps://a.example\n"),
        ("> [1]: https://a.example", "│ [1]: https://a.example\n"),
        ("- [1]: https://a.example", "• [1]: https://a.example\n"),
        ("[the docs]: https://a.example", "[the docs]: https://a.example\n"),
        ("1. item\n\n   ```\n   [1]: x\n   ```", "1. item\n\n   ```\n   [1]: x\n   ```\n"),
        ("`[1]: x` and [a](https://b.example)", "[1]: x and a (https://b.example)\n"),
        (&format!("![it](data:image/png;base64,{})", "A".repeat(9999)), "it (data:image/png;base64,…)\n"),
    ] {
        assert_eq!(plain(markdown), expected, "{markdown:?}");
    }
}

/// Signs that are no Markdown, though they could be taken for it.
#[test]
fn signs_of_formulas_paths_and_code_stay() {
    for same in [
        r"\(x\) and \[a_1 + b_2\]",
        "*.log and src/*.rs",
        "rm *.o lib/*.a",
        "src/*/mod.rs or */x",
        "the files *.rs, *.toml and *.md",
        "__init__.py and __main__.py",
        "__name__ is a name",
        "_internal_.x and _private_method_(y)",
        "2*3*4 = 24",
        "2**3**4",
        "5*x + 3*y",
        "int *p; p*q",
        "~/x~ and ~/y~",
        "H~2~O",
        r"\d+\.\d+ and a\{2\}",
        r"C:\(new) and D:\[old]",
        "f(*args, **kwargs)",
        "snake_case_name",
        "a * b * c",
        "https://a.example/a_b_c/*x*",
    ] {
        assert_eq!(plain(same), format!("{same}\n"), "{same:?}");
    }
    for (markdown, expected) in [
        ("*one* and **two**, _three_ and __Four five__", "one and two, three and Four five"),
        ("(*one*), \"**two**\": ***three***!", "(one), \"two\": three!"),
        ("**Note:** x **bold**text", "Note: x boldtext"),
        ("中文*强调*中文", "中文强调中文"),
        ("~~gone~~ \\*star\\* 1\\. x\\_y \\$5", "gone *star* 1\\. x_y $5"),
        (r"`\(x\)` `*.a *.b` `__init__`", r"\(x\) *.a *.b __init__"),
        (r"[a](https://a.example/\(b\))", "a (https://a.example/(b))"),
        ("*...and so on*", "...and so on"),
    ] {
        let drawn = plain(markdown);
        assert_eq!(drawn.trim_end(), expected, "{markdown:?}");
    }
}

#[test]
fn columns_of_a_table_are_aligned_as_it_says() {
    let drawn = plain("| left | right | mid |\n|:--|--:|:-:|\n| 値段 | 1 | x |\n");
    assert!(drawn.contains("│ 値段 ┆     1 ┆  x  │"), "{drawn}");
}

#[test]
fn long_lines_are_wrapped_below_their_beginning() {
    let drawn =
        plain("12. The quick brown fox jumps over the lazy dog, and over https://example.org/a/rather/long/path/too");
    assert_eq!(
        drawn,
        "12. The quick brown fox jumps over the\n    lazy dog, and over\n    https://example.org/a/rather/long/path/too\n"
    );
}

#[test]
fn nested_styles_end_one_at_a_time() {
    let mut stream = Stream::new(80);
    let drawn = stream.push("**a *b* c**\n\n");
    assert_eq!(drawn, "\u{1b}[1ma \u{1b}[3mb\u{1b}[0m\u{1b}[1m c\u{1b}[0m\n\n");
}
