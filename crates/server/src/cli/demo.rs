//! `rapport demo`: a sample shop to look at, made in seconds and served.
//!
//! Always holds: a shop that was not made to its end is made anew; a data folder that is no sample shop is refused.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use rapport_analytics::Question;
use rapport_domain::{Id, WorkspaceId};
use rapport_sample::{OFFER, Options, SampleShop};
use rapport_store::Priority;

use crate::cli::{segment, serve};
use crate::installation::{Installation, Places};
use crate::pipeline::{Pipeline, caretaker};
use crate::records::{sources, workspaces};
use crate::{
    advocating, complaining, engaging, experimenting, following_up, grouping, messages, modelling, points, policies,
    recommending, sample_shop, scoring, surveying, understanding,
};

/// Says in a data folder that it is a sample shop: empty while it is being made.
const MARK: &str = "sample-shop";

/// Makes a sample shop and serves it.
#[derive(clap::Args, Debug)]
pub struct DemoArgs {
    /// Where the shop lies.
    #[arg(long, default_value = "rapport-demo")]
    data: PathBuf,
    /// How many customers.
    #[arg(long, default_value_t = 4_000)]
    customers: u32,
    /// The same seed makes the same customers.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Only makes the shop.
    #[arg(long)]
    no_serve: bool,
    /// Does not open a browser.
    #[arg(long)]
    no_open: bool,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8480")]
    listen: std::net::SocketAddr,
}

/// Runs the command.
pub async fn run(args: DemoArgs) -> Result<()> {
    prepare(&args.data)?;
    let installation = Arc::new(Installation::open(&Places::folder(&args.data)).await?);
    let mark = args.data.join(MARK);
    if fs::read_to_string(&mark).unwrap_or_default().is_empty() {
        make(&installation, &args).await?;
        fs::write(&mark, format!("{} customers, seed {}\n", args.customers, args.seed))?;
    }
    if args.no_serve {
        println!("The sample shop is in {}.", args.data.display());
        return Ok(());
    }
    serve::demo(installation, args.listen, !args.no_open).await
}

/// Refuses folders with other things in them, and clears what was not made to its end.
fn prepare(data: &Path) -> Result<()> {
    let mark = data.join(MARK);
    match fs::read_to_string(&mark) {
        Ok(text) if !text.is_empty() => return Ok(()),
        Ok(_) => fs::remove_dir_all(data).context("clearing a sample shop that was not finished")?,
        Err(_) => {
            if fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) {
                bail!("{} holds something that is no sample shop; choose another folder with --data", data.display());
            }
        }
    }
    fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    fs::write(&mark, "").with_context(|| format!("cannot write to {}", data.display()))
}

async fn make(installation: &Arc<Installation>, args: &DemoArgs) -> Result<()> {
    let workspace = WorkspaceId(1);
    let now = installation.clock.now();
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let mut row = workspaces::find(&mut tx, workspace).await?.context("a new folder has a workspace")?;
    row.name = SampleShop::NAME.to_owned();
    row.time_zone = SampleShop::ZONE.to_owned();
    row.currency = SampleShop::CURRENCY.to_owned();
    workspaces::update(&mut tx, &row).await?;
    let source = sources::ensure(&mut tx, workspace, "Sample shop", "sample", now).await?;
    tx.commit().await?;

    println!("Making {}: {} customers of two years ...", SampleShop::NAME, args.customers);
    let bar = ProgressBar::new_spinner();
    bar.set_style(
        ProgressStyle::with_template("  {pos} events  {per_sec}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    bar.enable_steady_tick(Duration::from_millis(200));
    let pipeline = Pipeline::open(Arc::clone(installation)).await?;
    let options = Options { customers: args.customers, seed: args.seed, end: now };
    let offered_at = SampleShop::new(options).offered_at();
    experimenting::sample::begin(installation, workspace, offered_at, "demo").await?;
    surveying::sample::begin(installation, workspace, now, "demo").await?;
    let filling = tokio::task::spawn_blocking({
        let (installation, bar) = (Arc::clone(installation), bar.clone());
        let (customers, seed) = (args.customers, args.seed);
        move || {
            sample_shop::fill(&installation, workspace, source, customers, seed, now, |count| bar.set_position(count))
        }
    });
    let sample_shop::Filled { totals, offered, checkouts, lived, asked, voices, rewarded } =
        pipeline.apply_beside(async { filling.await? }).await?;
    experimenting::sample::run(installation, workspace, &checkouts, offered_at, "demo").await?;
    pipeline.drain().await?;
    points::sample::run(installation, (workspace, source), &rewarded, now, "demo").await?;
    surveying::sample::run(installation, workspace, &asked, "demo").await?;
    engaging::telling::tell(installation, workspace).await?;
    pipeline.drain().await?;
    caretaker::settle(installation, workspace).await?;
    scoring::refresh(installation, workspace).await?;
    scoring::refresh_standing(installation, workspace).await?;
    modelling::settle(installation).await?;
    recommending::learning::settle(installation).await?;
    grouping::settle(installation).await?;
    save_questions(installation, workspace).await?;
    save_segments(installation, workspace).await?;
    messages::sample::save(&installation.store, workspace, SampleShop::NAME, installation.clock.now(), "demo").await?;
    engaging::sample::save(installation, workspace, &offered, &lived, "demo").await?;
    policies::sample::save(installation, workspace, &offered, "demo").await?;
    experimenting::sample::hold_out(installation, workspace, "demo").await?;
    following_up::sample::save(installation, &pipeline, (workspace, source), &voices, "demo").await?;
    understanding::sample::save(installation, workspace, "demo").await?;
    complaining::sample::save(installation, &pipeline, workspace, "demo").await?;
    advocating::sample::save(installation, &pipeline, workspace).await?;
    engaging::sample::asked::save(installation, &pipeline, workspace, (&offered, &lived), "demo").await?;
    bar.finish_and_clear();
    println!("  {} events, {} orders, {} customers who bought", totals.messages, totals.orders, totals.buyers);
    println!(
        "  What is true of each of them, and the effect of the campaign {} ({} orders more from {} customers), is in {}.",
        OFFER.name,
        totals.extra_orders,
        totals.offer_treated,
        sample_shop::TRUTH
    );
    Ok(())
}

/// Some segments to begin with; the server fills them when it starts.
async fn save_segments(installation: &Installation, workspace: WorkspaceId) -> Result<()> {
    let saved = [
        (
            "one-time-buyers",
            "One-time buyers",
            "Bought once, and not again yet.",
            r#"performed "Order Completed" exactly 1 times"#,
        ),
        (
            "frequent",
            "Frequent buyers",
            "At least four orders within a year.",
            r#"performed "Order Completed" at least 4 times in the last 365 days"#,
        ),
        (
            "lapsing",
            "Later than usual",
            "Twice as long since the last order as usual for this customer.",
            r#"overdue "Order Completed" by 2 after 3 gaps"#,
        ),
        (
            "abandoned-checkout",
            "Left the checkout",
            "Began to pay within the last week and did not order within an hour.",
            r#"sequence ("Checkout Started") without "Order Completed" within 1 hour in the last 7 days"#,
        ),
        ("reachable", "Reachable by e-mail", "Agreed to e-mail.", "fact consent.email = granted"),
        (
            "frequent-lapsing",
            "Frequent buyers who are late",
            "Of the frequent buyers those who should be asked why they do not come.",
            "in segment frequent and in segment lapsing and in segment reachable",
        ),
    ];
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    for (key, name, description, text) in saved {
        segment::save(&mut tx, workspace, (key, name, description), text, "demo", installation.clock.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Some questions to begin with.
async fn save_questions(installation: &Installation, workspace: WorkspaceId) -> Result<()> {
    use crate::records::questions::{self, QuestionRow};
    use serde_json::json;
    let ordered = json!({"event": "Order Completed"});
    let saved = [
        (
            "Who comes back, by month of the first order",
            json!({"kind": "retention", "start": ordered, "back": ordered, "interval": "month", "first_time": true, "intervals": 12, "period": {"last": "365d"}}),
        ),
        (
            "From product page to order, by device",
            json!({"kind": "funnel", "steps": [{"event": "Product Viewed"}, {"event": "Product Added"}, {"event": "Checkout Started"}, {"event": "Order Completed"}], "window": "14d", "breakdown": {"property": "device"}, "period": {"last": "90d"}}),
        ),
        (
            "Revenue by week",
            json!({"kind": "trend", "series": [{"event": "Order Completed", "measure": "sum", "property": "revenue"}], "interval": "week", "period": {"last": "180d"}}),
        ),
        ("Customers by recency, frequency and money", json!({"kind": "rfm", "period": {"all": true}})),
    ];
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    for (name, question) in saved {
        // As the API stores them: with every default written out.
        let question = serde_json::to_value(Question::from_json(question)?)?;
        let row = QuestionRow {
            id: Id::new("qst", &*installation.clock, &*installation.rng),
            name: name.to_owned(),
            question: rapport_store::Json(question),
            created_by: "demo".to_owned(),
            updated_at: installation.clock.now(),
        };
        questions::save(&mut tx, workspace, &row).await?;
    }
    tx.commit().await?;
    Ok(())
}
