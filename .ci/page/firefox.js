// Operates pages in Firefox, over WebDriver BiDi. The arguments are the paths of the training page and of the page of
// a trained network, and pairs. The output is JSON: what the pages show, and their errors.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [training, trained, pairs] = process.argv.slice(2);
const launch = () =>
  puppeteer.launch({ browser: "firefox", executablePath: process.env.FIREFOX, protocolTimeout: 200_000 }); // ms
const browser = await launch().catch(launch); // Firefox sometimes leaves the first attempt without an answer
const page = await browser.newPage();
page.setDefaultTimeout(0); // no limit: the test has one
await page.setViewport({ width: 1280, height: 900 });
const errors = [];
page.on("console", (message) => errors.push(message.text()));
page.on("pageerror", (error) => errors.push(String(error)));
page.on("request", (request) => /^(file|data):/.test(request.url()) || errors.push(request.url()));

// The page may replace an element at any time, so each of these finds and uses it at once.
const text = (selector) => page.evaluate((one) => document.querySelector(one).textContent, selector);
const metrics = () => page.evaluate(() => Object.values(document.querySelector("#training").dataset).join(": "));
const click = (selector) =>
  page.evaluate(
    (one) => document.querySelector(one).dispatchEvent(new MouseEvent("click", { bubbles: true })),
    selector,
  );

// Type a source and take the first step; return the source, the answer and the sentence about the step.
async function answer(source) {
  await page.locator("#source").fill(source);
  await click("#first");
  await click("#next");
  return [source, await text("#prediction"), await text("#sentence")];
}

async function train(path) {
  await page.goto(`${pathToFileURL(path)}#task=sorted&length=3&rate=0.03&samples=1920`);
  const untrained = await answer("7 2 9");
  await click("#train");
  await page.waitForFunction(() => document.querySelector("#train").textContent === "Train on");
  await page.evaluate(() => document.querySelector("#moment").focus());
  await page.keyboard.press("Home");
  const kept = await text("#prediction");
  await page.keyboard.press("End");
  const learned = await answer("7 2 9");
  await page.locator("#place").fill("4"); // the first output
  await click(".written");
  await click("#symbols-0 [data-key$=symbol-5]");
  return { untrained, trained: await metrics(), kept, learned, forced: await text("#prediction") };
}

// Train on pairs, and save the page; return the answers of both pages.
async function trainOnPairs(path, pairs) {
  await page.goto("about:blank");
  await page.goto(`${pathToFileURL(path)}#task=pairs&rate=0.03&units=16`);
  await page.locator("#pairs").fill(pairs);
  await page.waitForFunction((n) => course.task.pairs.length === n, {}, pairs.split("\n").length);
  await click("#train");
  await page.evaluate(() => trainUntil(Number.POSITIVE_INFINITY)); // at once: the networks above trained in frames
  await page.waitForFunction(() => / samples\. (All|No better)/.test(document.querySelector("#status").textContent));
  const [verdict, learned] = [(await text("#status")).split(" samples. ")[1], await answer("abca")];
  const saved = path.replace(".html", "-saved.html");
  const download = () =>
    new Promise((resolve) => {
      URL.createObjectURL = (blob) => resolve(blob.text()) ?? "about:blank"; // instead of a file
      document.querySelector("#save").click();
    });
  writeFileSync(saved, await page.evaluate(download));
  await page.goto(pathToFileURL(saved).href);
  return { verdict, learned, opened: await answer("abca"), kept: await metrics() };
}

const result = { ...(await train(training)), errors };
result.pairs = await trainOnPairs(training, pairs);
await page.goto(pathToFileURL(trained));
result.answered = await answer("hello");
await browser.close();
console.log(JSON.stringify(result));
