use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use clap::Args as ClapArgs;
use digits_data::Source;
use digits_playground::{App, Options, Server};
use rayon::ThreadPoolBuilder;

use crate::device::start_threads;
use crate::shared::{CliError, DataArgs, DeviceArgs, Done, artifacts, print};

/// Options of `digits playground`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Port to listen at; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 8814)]
    port: u16,
    /// Address to listen at. Anything but the default lets other machines in: whoever reaches the
    /// page can use it
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Run folder to show beside those in artifacts/; may be given more than once
    #[arg(long, value_name = "DIR")]
    run: Vec<PathBuf>,
    /// Open the page in the browser
    #[arg(long)]
    open: bool,
    /// No notices on standard error, but the warning that other machines are let in
    #[arg(long, help_heading = "Output")]
    quiet: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

/// `digits playground`
pub fn run(args: Args) -> Done {
    // The calling thread is not one of them: it waits for connections.
    let threads = args.device.threads.unwrap_or(0);
    start_threads(threads, ThreadPoolBuilder::new()).map_err(CliError::usage)?;
    let backend = args.device.backend();
    let device = backend.device().map_err(CliError::failed)?;
    let app = App::new(Options {
        artifacts: artifacts(),
        runs: args.run,
        open: args.data.options(),
        data: args.data.data.unwrap_or(Source::Auto),
        device,
        precision: backend.precision(),
        host: args.host,
    })?;
    let server = Server::bind(SocketAddr::new(args.host, args.port), app)?;
    let stop = server.stop_handle();
    ctrlc::set_handler(move || stop.stop())?;

    let address = server.address();
    // A browser cannot open "all addresses"; this machine is one of them.
    let shown = if address.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
    } else {
        address
    };
    print(&format!("http://{shown}/\n"))?;
    // No notice but a warning: --quiet does not hide it.
    if !address.ip().is_loopback() {
        eprintln!(
            "note: {address} is open to other machines; there is no password, and whoever reaches it can use it"
        );
    }
    if !args.quiet {
        eprintln!("the playground is open; Ctrl-C ends it");
    }
    let app = server.app();
    std::thread::spawn(move || app.warm_up());
    if args.open && !open_browser(&format!("http://{shown}/")) && !args.quiet {
        eprintln!("note: no browser could be started; open the address above");
    }
    server.run()?;
    if !args.quiet {
        eprintln!("the playground is closed");
    }
    Ok(ExitCode::SUCCESS)
}

/// The system's own way to open an address.
fn open_browser(address: &str) -> bool {
    let (program, arguments): (&str, &[&str]) = if cfg!(target_os = "windows") {
        ("cmd", &["/C", "start", ""])
    } else if cfg!(target_os = "macos") {
        ("open", &[])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(arguments).arg(address).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().is_ok()
}
