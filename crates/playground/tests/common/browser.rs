//! Headless Chromium, driven through chromedriver by the W3C WebDriver protocol.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::http::Client;
use super::{Running, serve};
use digits_playground::App;

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

/// chromedriver in a process of its own.
struct Driver {
    process: Child,
    address: SocketAddr,
}

impl Driver {
    fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: chromium-driver)");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines
            .map_while(Result::ok)
            .find_map(|line| {
                let port = line.split("successfully on port ").nth(1)?;
                port.trim_end_matches('.').parse::<u16>().ok()
            })
            .expect("chromedriver names its port");
        Self {
            process,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = (method == "POST").then(|| body.to_string());
        let body = body.unwrap_or_default();
        let reply = Client::new(self.address)
            .ask(method, path, "application/json", body.as_bytes())
            .ok_or("chromedriver ended")?;
        let mut answer: Value = serde_json::from_slice(&reply.body).map_err(|e| e.to_string())?;
        if reply.status == 200 {
            Ok(answer["value"].take())
        } else {
            Err(format!("{path}: {}", answer["value"]["message"]))
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the window is like.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub width: u32,
    pub height: u32,
    pub dark: bool,
    pub phone: bool,
}

pub const DESKTOP: Window = Window {
    width: 1280,
    height: 900,
    dark: false,
    phone: false,
};

pub const PHONE: Window = Window {
    width: 390,
    height: 844,
    dark: false,
    phone: true,
};

/// A browser with one page of the playground. Ends with an assertion that nothing was written to
/// the console.
pub struct Page {
    driver: Driver,
    session: String,
    _server: Running,
}

impl Page {
    /// Starts a server for `app` and opens a part (`draw`, `filters` …) of its page.
    pub fn open(app: App, part: &str, window: Window) -> Self {
        let server = serve(app);
        let url = json!({ "url": format!("http://{}/#{part}", server.address) });
        let driver = Driver::start();
        let mut options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            format!("--window-size={},{}", window.width, window.height),
        ]});
        if window.phone {
            options["mobileEmulation"] = json!({ "deviceMetrics": {
                "width": window.width, "height": window.height, "pixelRatio": 1, "touch": true, "mobile": true
            }});
        }
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" }
        }}});
        let session = driver.ask("POST", "/session", &wanted).unwrap();
        let page = Self {
            session: format!("/session/{}", session["sessionId"].as_str().unwrap()),
            driver,
            _server: server,
        };
        let scheme = if window.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        page.command("Emulation.setEmulatedMedia", &media);
        page.ask("POST", "/url", &url);
        page
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("{}{path}", self.session);
        self.driver.ask(method, &path, body).unwrap()
    }

    fn command(&self, name: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": name, "params": parameters });
        self.ask("POST", "/goog/cdp/execute", &body)
    }

    /// What a script returns. In it `$` finds the first element of a selector, `$$` all of them.
    pub fn script(&self, script: &str) -> Value {
        let find = "const $ = (s) => document.querySelector(s), $$ = (s) => [...document.querySelectorAll(s)];";
        let body = json!({ "script": format!("{find} {script}"), "args": [] });
        self.ask("POST", "/execute/sync", &body)
    }

    /// The numbers that a script returns.
    pub fn numbers(&self, script: &str) -> Vec<f64> {
        super::numbers(&self.script(script))
    }

    fn holds(&self, condition: &str) -> bool {
        self.script(&format!("return Boolean({condition})")) == json!(true)
    }

    /// An expression that must be true now.
    pub fn check(&self, condition: &str) {
        assert!(self.holds(condition), "{condition}");
    }

    /// Waits until an expression is true.
    pub fn wait(&self, condition: &str) {
        self.until(condition, || self.holds(condition));
    }

    /// Waits until something holds.
    pub fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            assert!(
                start.elapsed() < PATIENCE,
                "never came true: {what}; the page says {}",
                self.script("return $('#problem').textContent + ' | ' + $('#verdict').textContent")
            );
            sleep(Duration::from_millis(30));
        }
    }

    /// Chooses an option of a select.
    pub fn choose(&self, selector: &str, option: &str) {
        self.script(&format!(
            "const e = $({selector:?}); e.value = {option:?}; e.dispatchEvent(new Event('change'))"
        ));
    }

    /// Gives a field or a slider another value.
    pub fn set(&self, selector: &str, value: &str) {
        self.script(&format!(
            "const e = $({selector:?}); e.value = {value:?}; e.dispatchEvent(new Event('input'))"
        ));
    }

    /// How far below the top of the page elements are, in whole pixels.
    pub fn places(&self, selectors: &[&str]) -> Value {
        self.script(&format!(
            "return {}.map((s) => Math.round($(s).getBoundingClientRect().top + scrollY))",
            json!(selectors)
        ))
    }

    /// Writes a picture of the page from its top to the end of an element, also of what is below
    /// the window's edge.
    pub fn screenshot(&self, path: &Path, last: &str) {
        let height = self.script(&format!(
            "scrollTo(0, 0); return Math.round($('{last}').getBoundingClientRect().bottom + 16)"
        ));
        let width = self.script("return document.documentElement.clientWidth");
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.command("Page.captureScreenshot", &parameters);
        let bytes = BASE64_STANDARD
            .decode(answer["data"].as_str().unwrap())
            .unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Everything that can be focused, as assistive technology is told of it: role and name.
    pub fn focusable(&self) -> Vec<(String, String)> {
        self.command("Accessibility.enable", &json!({}));
        let tree = self.command("Accessibility.getFullAXTree", &json!({}));
        let text = |node: &Value, key: &str| {
            let value = node[key]["value"].as_str();
            value.unwrap_or_default().trim().to_owned()
        };
        let can_be_focused = |node: &Value| {
            let properties = node["properties"].as_array().cloned().unwrap_or_default();
            node["ignored"] != true
                && properties
                    .iter()
                    .any(|p| p["name"] == "focusable" && p["value"]["value"] == true)
        };
        let nodes = tree["nodes"].as_array().unwrap().iter();
        nodes
            .filter(|node| can_be_focused(node))
            .map(|node| (text(node, "role"), text(node, "name")))
            .collect()
    }

    /// The text of an element.
    pub fn text(&self, selector: &str) -> String {
        let script = format!("return $('{selector}').textContent");
        self.script(&script).as_str().unwrap().to_owned()
    }

    /// Presses the main button of the mouse on an element, in its middle.
    pub fn click(&self, selector: &str) {
        self.press(selector, "mouse");
    }

    /// The same with any pointer: a phone has no mouse.
    pub fn press(&self, selector: &str, kind: &str) {
        self.script(&format!(
            "$('{selector}').scrollIntoView({{block: 'center'}})"
        ));
        let [x, y, width, height] = self.rectangle(selector);
        self.stroke(&[(x + width / 2.0, y + height / 2.0)], kind);
    }

    /// Left, top, width, height of an element in the window.
    pub fn rectangle(&self, selector: &str) -> [f64; 4] {
        let script = format!(
            "const r = $('{selector}').getBoundingClientRect(); return [r.left, r.top, r.width, r.height]"
        );
        self.numbers(&script).try_into().unwrap()
    }

    /// Presses the pointer (`mouse`, `touch` or `pen`) at the first point, moves it along the
    /// others, lifts it.
    pub fn stroke(&self, points: &[(f64, f64)], kind: &str) {
        self.strokes(&[points], kind);
    }

    /// Several pointers at once, one stroke each.
    pub fn strokes(&self, all: &[&[(f64, f64)]], kind: &str) {
        let pointers: Vec<Value> = all.iter().enumerate().map(|(finger, points)| {
            let mut actions = Vec::new();
            for (number, (x, y)) in points.iter().enumerate() {
                let duration = if number == 0 { 0 } else { 16 };
                actions.push(json!({ "type": "pointerMove", "duration": duration, "x": *x as i64, "y": *y as i64 }));
                if number == 0 {
                    actions.push(json!({ "type": "pointerDown", "button": 0 }));
                }
            }
            if kind == "touch" {
                // A finger that is lifted in no time makes a fling, and no click.
                actions.push(json!({ "type": "pause", "duration": 80 }));
            }
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
            json!({
                "type": "pointer", "id": format!("{kind}{finger}"), "parameters": { "pointerType": kind }, "actions": actions
            })
        }).collect();
        self.ask("POST", "/actions", &json!({ "actions": pointers }));
    }

    /// Points of the drawing area, from 0 to 1, as points of the window.
    pub fn on_pad(&self, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        self.script("$('#pad').scrollIntoView({block: 'center'})");
        let [left, top, width, height] = self.rectangle("#pad");
        let place = |(x, y): &(f64, f64)| (left + x * width, top + y * height);
        points.iter().map(place).collect()
    }

    /// Draws on the drawing area; points from 0 to 1.
    pub fn draw(&self, strokes: &[Vec<(f64, f64)>], kind: &str) {
        for stroke in strokes {
            self.stroke(&self.on_pad(stroke), kind);
        }
    }

    /// Presses keys one after the other; WebDriver's code points for those without a character.
    pub fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
            })
            .collect();
        let keyboard = json!({ "type": "key", "id": "keys", "actions": actions });
        self.ask("POST", "/actions", &json!({ "actions": [keyboard] }));
    }

    /// Goes to another part.
    pub fn go(&self, part: &str) {
        self.script(&format!("location.hash = '#{part}'"));
        self.wait(&format!("!$('#part-{part}').hidden"));
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let log = self.driver.ask(
            "POST",
            &format!("{}/se/log", self.session),
            &json!({ "type": "browser" }),
        );
        let _ = self.driver.ask("DELETE", &self.session, &Value::Null);
        if !std::thread::panicking() {
            assert_eq!(log, Ok(json!([])), "the console stays empty");
        }
    }
}
