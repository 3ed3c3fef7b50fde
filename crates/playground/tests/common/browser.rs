//! Headless Chromium, driven through chromedriver by the W3C WebDriver protocol.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use digits_playground::App;
use serde_json::{Value, json};

use super::http::Client;
use super::{Running, serve};

/// How long a condition may take to come true.
const PATIENCE: Duration = Duration::from_secs(20);

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
    phone: true,
    ..DESKTOP
};

/// A browser with one page of the playground, and the chromedriver that drives it. Ends with an
/// assertion that nothing was written to the console.
pub struct Page {
    driver: Child,
    address: SocketAddr,
    session: String,
    _server: Running,
}

impl Page {
    /// Starts a server for `app` and opens a part (`draw`, `filters` …) of its page.
    pub fn open(app: App, part: &str, window: Window) -> Self {
        let server = serve(app);
        let url = json!({ "url": format!("http://{}/#{part}", server.address) });
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: chromium-driver)");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let port = line.ok()?.split_once("successfully on port ")?.1.to_owned();
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("chromedriver names its port");
        let mut page = Self {
            driver,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            session: "/session".to_owned(),
            _server: server,
        };
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
        let session = page.ask("POST", "", &wanted);
        page.session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        let scheme = if window.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        page.command("Emulation.setEmulatedMedia", &media);
        page.ask("POST", "/url", &url);
        page
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("{}{path}", self.session);
        let body = (method == "POST").then(|| body.to_string());
        let body = body.unwrap_or_default();
        let reply = Client::new(self.address)
            .ask(method, &path, "application/json", body.as_bytes())
            .ok_or("chromedriver ended")?;
        let mut answer: Value = serde_json::from_slice(&reply.body).map_err(|e| e.to_string())?;
        match reply.status {
            200 => Ok(answer["value"].take()),
            _ => Err(format!("{path}: {}", answer["value"]["message"])),
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_ask(method, path, body).unwrap()
    }

    fn command(&self, name: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": name, "params": parameters });
        self.ask("POST", "/goog/cdp/execute", &body)
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.ask("POST", "/refresh", &json!({}));
    }

    /// What a script returns. In it `$` finds the first element of a selector, `$$` all of them.
    pub fn script(&self, script: &str) -> Value {
        let find = "const $ = (s) => document.querySelector(s), $$ = (s) => [...document.querySelectorAll(s)];";
        let body = json!({ "script": format!("{find} {script}"), "args": [] });
        self.ask("POST", "/execute/sync", &body)
    }

    /// The value of an expression.
    pub fn get(&self, expression: &str) -> Value {
        self.script(&format!("return {expression}"))
    }

    /// The numbers that an expression is a list of.
    pub fn numbers(&self, expression: &str) -> Vec<f64> {
        super::numbers(&self.get(expression))
    }

    /// The text of an element.
    pub fn text(&self, selector: &str) -> String {
        let text = self.get(&format!("$('{selector}').textContent"));
        text.as_str().unwrap().to_owned()
    }

    /// An expression that must be true now.
    pub fn check(&self, condition: &str) {
        let holds = self.get(&format!("Boolean({condition})"));
        assert_eq!(holds, true, "{condition}");
    }

    /// Waits until an expression is true.
    pub fn wait(&self, condition: &str) {
        let expression = format!("Boolean({condition})");
        self.until(condition, || self.get(&expression) == true);
    }

    /// Waits until something holds.
    pub fn until(&self, what: &str, condition: impl Fn() -> bool) {
        let start = Instant::now();
        while !condition() {
            let is_patient = start.elapsed() < PATIENCE;
            let says = |page: &Self| page.text("#problem") + " | " + &page.text("#verdict");
            assert!(is_patient, "never came true: {what}; {}", says(self));
            sleep(Duration::from_millis(30));
        }
    }

    /// Chooses an option of a select.
    pub fn choose(&self, selector: &str, option: &str) {
        self.change(selector, option, "change");
    }

    /// Gives a field or a slider another value.
    pub fn set(&self, selector: &str, value: &str) {
        self.change(selector, value, "input");
    }

    fn change(&self, selector: &str, value: &str, event: &str) {
        self.script(&format!(
            "const e = $({selector:?}); e.value = {value:?}; e.dispatchEvent(new Event('{event}'))"
        ));
    }

    /// How far below the top of the page elements are, in whole pixels.
    pub fn places(&self, selectors: &[&str]) -> Value {
        self.get(&format!(
            "{}.map((s) => Math.round($(s).getBoundingClientRect().top + scrollY))",
            json!(selectors)
        ))
    }

    /// Writes a picture of the page from its top to the end of an element, also of what is below
    /// the window's edge.
    pub fn screenshot(&self, path: &Path, last: &str) {
        self.script("scrollTo(0, 0)");
        let width = self.get("document.documentElement.clientWidth");
        let end = format!("Math.round($('{last}').getBoundingClientRect().bottom + 16)");
        let height = self.get(&end);
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let parameters = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.command("Page.captureScreenshot", &parameters);
        let text = answer["data"].as_str().unwrap();
        std::fs::write(path, BASE64_STANDARD.decode(text).unwrap()).unwrap();
    }

    /// The name, as assistive technology is told of it, of everything that can be focused.
    pub fn focusable(&self) -> Vec<String> {
        self.command("Accessibility.enable", &json!({}));
        let tree = self.command("Accessibility.getFullAXTree", &json!({}));
        let focusable = json!({ "name": "focusable", "value": { "type": "booleanOrUndefined", "value": true } });
        let can_be_focused = |node: &&Value| {
            let properties = node["properties"].as_array();
            node["ignored"] != true && properties.is_some_and(|all| all.contains(&focusable))
        };
        let name = |node: &Value| {
            node["name"]["value"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let nodes = super::list(&tree["nodes"]).iter();
        nodes.filter(can_be_focused).map(name).collect()
    }

    /// Presses the main button of the mouse on an element, in its middle.
    pub fn click(&self, selector: &str) {
        self.press(selector, "mouse");
    }

    /// The same with any pointer: a phone has no mouse.
    pub fn press(&self, selector: &str, kind: &str) {
        let [x, y, width, height] = self.in_view(selector);
        self.strokes(&[&[(x + width / 2.0, y + height / 2.0)]], kind);
    }

    fn in_view(&self, selector: &str) -> [f64; 4] {
        self.script(&format!(
            "$('{selector}').scrollIntoView({{block: 'center'}})"
        ));
        self.rectangle(selector)
    }

    /// Left, top, width, height of an element in the window.
    pub fn rectangle(&self, selector: &str) -> [f64; 4] {
        let rectangle = format!("$('{selector}').getBoundingClientRect()");
        let edges = ["left", "top", "width", "height"].map(|edge| format!("{rectangle}.{edge}"));
        self.numbers(&format!("[{}]", edges.join(",")))
            .try_into()
            .unwrap()
    }

    /// Presses a pointer (`mouse`, `touch` or `pen`) for every stroke at its first point, moves it
    /// along the others, lifts it; all at once.
    pub fn strokes(&self, all: &[&[(f64, f64)]], kind: &str) {
        let pointers = all.iter().enumerate().map(|(finger, points)| {
            let mut actions: Vec<Value> = (points.iter().enumerate())
                .map(|(at, (x, y))| json!({ "type": "pointerMove", "duration": 16 * at.min(1), "x": *x as i64, "y": *y as i64 }))
                .collect();
            actions.insert(1, json!({ "type": "pointerDown", "button": 0 }));
            if kind == "touch" {
                // A finger that is lifted in no time makes a fling, and no click.
                actions.push(json!({ "type": "pause", "duration": 80 }));
            }
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
            let parameters = json!({ "pointerType": kind });
            json!({ "type": "pointer", "id": format!("{kind}{finger}"), "parameters": parameters, "actions": actions })
        });
        let pointers: Vec<Value> = pointers.collect();
        self.ask("POST", "/actions", &json!({ "actions": pointers }));
    }

    /// Points of an element, from 0 to 1, as points of the window.
    pub fn on(&self, selector: &str, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
        let [left, top, width, height] = self.in_view(selector);
        let place = |(x, y): &(f64, f64)| (left + x * width, top + y * height);
        points.iter().map(place).collect()
    }

    /// Draws on the drawing area; points from 0 to 1.
    pub fn draw(&self, stroke: &[(f64, f64)], kind: &str) {
        self.strokes(&[&self.on("#pad", stroke)], kind);
    }

    /// Presses keys one after the other; WebDriver's code points for those without a character.
    pub fn keys(&self, keys: &str) {
        let press = |key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key }));
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
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
        let log = self.try_ask("POST", "/se/log", &json!({ "type": "browser" }));
        let _ = self.try_ask("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        if !std::thread::panicking() {
            assert_eq!(log, Ok(json!([])), "the console stays empty");
        }
    }
}
