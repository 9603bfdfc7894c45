// The console in Debian's Chromium, for bench/console.py. `browse.mjs paint URL TIMES` opens it TIMES times with nothing cached and prints what each took;
// `browse.mjs open URL` keeps it open until its input ends, then prints how many events the page has had.
import { launch, openPage } from '../tests/browser/browser.mjs'

const [what, url, times] = process.argv.slice(2)

/** Milliseconds from the request on: until something is painted, until the picture of the pipeline is there. */
async function paint(browser) {
  const page = await openPage(browser, url)
  await page.addInitScript(() => {
    new MutationObserver(() => {
      if (window.filledAt === undefined && document.querySelector('main table')) window.filledAt = performance.now()
    }).observe(document, { childList: true, subtree: true })
  })
  await page.at('/')
  await page.waitForFunction(() => window.filledAt !== undefined && performance.getEntriesByName('first-contentful-paint').length > 0)
  const taken = await page.evaluate(() => {
    const loads = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    return {
      paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
      filled: window.filledAt,
      bytes: loads.reduce((sum, load) => sum + load.transferSize, 0),
    }
  })
  if (page.faults.length > 0) throw new Error(page.faults.join('\n'))
  await page.context().close()
  return taken
}

async function open(browser) {
  const page = await openPage(browser, url)
  await page.addInitScript(() => {
    window.events = 0
    // The console reads the stream by fetch; its pieces are counted as they come.
    const read = ReadableStreamDefaultReader.prototype.read
    ReadableStreamDefaultReader.prototype.read = function () {
      return read.call(this).then((piece) => {
        if (!piece.done) window.events += 1
        return piece
      })
    }
  })
  await page.at('/')
  await page.locator('main table').first().waitFor()
  console.log('open')
  for await (const _ of process.stdin);
  console.log(await page.evaluate(() => window.events))
}

const browser = await launch()
try {
  if (what === 'open') await open(browser)
  else for (let time = 0; time < Number(times); ++time) console.log(JSON.stringify(await paint(browser)))
} finally {
  await browser.close()
}
