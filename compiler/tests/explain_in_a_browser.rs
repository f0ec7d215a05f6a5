//! The page of `ocellus explain --html` in a real browser: headless Chromium, where there is one (`cargo xtask test`
//! installs it).

#![allow(clippy::unwrap_used, reason = "the helpers of tests")]

use ocellus_checkpoint::RandomWeights;
use ocellus_compiler::{Compiler, Explanation, Target};
use ocellus_frontend::Model;
use ocellus_frontend::nn::{self, Activation, ElementType, LayerNorm, Linear, Scope, Tensor};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a browser made of a page.
struct Visit {
    dom: String,
    console: Vec<String>,
    screenshot: image::RgbaImage,
}

/// Debian's Chromium, or one of the same name elsewhere on the search path.
fn chromium() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    let candidates: Vec<PathBuf> = std::env::split_paths(&folders)
        .flat_map(|folder| ["chromium", "chromium-browser"].map(|name| folder.join(name)))
        .collect();
    candidates.into_iter().find(|file| file.is_file())
}

fn visit(browser: &Path, page: &str) -> Visit {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    let screenshot = folder.path().join("page.png");
    std::fs::write(&file, page).unwrap();
    let run = |argument: &str| {
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let output = Command::new(browser)
            // Without a network, so that a page that needs one is found out.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr"])
            .args(["--window-size=1280,2400", &profile, argument])
            .arg(&file)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        (String::from_utf8_lossy(&output.stdout).into_owned(), errors)
    };
    let (dom, errors) = run("--dump-dom");
    run(&format!("--screenshot={}", screenshot.display()));
    let console = errors.lines().filter(|line| line.contains("CONSOLE"));
    Visit {
        dom,
        console: console.map(str::to_string).collect(),
        screenshot: image::open(&screenshot).unwrap().to_rgba8(),
    }
}

/// How many pixels have about that color.
fn pixels(screenshot: &image::RgbaImage, color: [u8; 3]) -> usize {
    let near = |pixel: &image::Rgba<u8>| {
        pixel.0.iter().zip(color).all(|(have, want)| have.abs_diff(want) <= 24)
    };
    screenshot.pixels().filter(|pixel| near(pixel)).count()
}

/// Four heads behind one norm. For few rows each does best to normalize for itself; for many, once is enough.
struct Heads;

impl nn::Module for Heads {
    fn forward(&self, nn: &Scope, x: &Tensor) -> nn::Result<Tensor> {
        let x = nn.apply("norm", &LayerNorm::new(1e-6), x)?;
        let head = |name: &str| nn.apply(name, &Linear::new(64), &x)?.activate(Activation::Gelu);
        ["b", "c", "d"].iter().try_fold(head("a")?, |sum, name| sum.add(&head(name)?))
    }
}

/// A model whose best program changes over its range: with some width it does, whatever the rates of the machine.
fn explanation() -> Explanation {
    let of_width = |width: i64| {
        let module = nn::build(ElementType::F32, |nn| {
            let tokens = nn.symbol("tokens", 1..=4096)?;
            let [x] = nn.inputs([("x", vec![1.into(), tokens, width.into()])])?;
            nn.result("y", &nn.apply("heads", &Heads, &x)?)
        })
        .unwrap();
        let weights = RandomWeights::new(&module, 0);
        let model = Model::new("heads <of a test>", module, weights).unwrap();
        let compiler = Compiler::new(Target::from_name("cpu:x86-64-v4").unwrap());
        compiler.stages(&model).unwrap().explanation
    };
    let mut all = [768, 2048, 256, 4096, 512].map(of_width).into_iter();
    all.find(|explanation| !explanation.plots[0].breakpoints.is_empty()).expect("a breakpoint")
}

#[test]
fn the_plot_is_drawn() {
    let Some(browser) = chromium() else {
        eprintln!("skipped: there is no Chromium here, and `cargo xtask test` installs one");
        return;
    };
    let explanation = explanation();
    let breakpoint = explanation.plots[0].breakpoints[0];
    let page = explanation.to_html();
    let visit = visit(&browser, &page);
    // To be looked at.
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explain.png");
    visit.screenshot.save(&kept).unwrap();
    assert_eq!(visit.console, [""; 0]);
    assert!(visit.dom.contains(&format!("tokens = {breakpoint}")), "the label of the breakpoint");
    assert!(visit.dom.contains("heads &lt;of a test&gt;"));
    // The line of what is chosen, as wide as the plot and four pixels thick.
    let chosen = pixels(&visit.screenshot, [0xd9, 0x48, 0x0f]);
    assert!(chosen > 2000, "{chosen} pixels of the line of what is chosen");
}

/// What the test above looks for can be missed.
#[test]
fn an_error_of_a_page_is_seen() {
    let Some(browser) = chromium() else { return };
    let visit = visit(&browser, "<!doctype html><title>x</title><script>undefined.x</script>");
    assert!(!visit.console.is_empty());
    assert_eq!(pixels(&visit.screenshot, [0xd9, 0x48, 0x0f]), 0);
}
