// Debian's Chromium, and a page of it that tells what goes wrong in it.
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../.deps/browser/', import.meta.url))
const { chromium } = require('playwright-core')
const axe = require('axe-core')

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-background-networking'],
  })

/** A fresh one, without anything of another test. `faults` gathers errors of scripts and the policy, and requests to others. */
export async function openPage(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  page.faults = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) page.faults.push(message.text())
  })
  page.on('pageerror', (error) => page.faults.push(error.message))
  page.on('dialog', (dialog) => {
    page.faults.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('blob:')) page.faults.push(`a request to ${request.url()}`)
  })
  page.at = (place) => page.goto(`${url}/#${place}`)
  page.says = (text) => page.getByText(text, { exact: false }).first().waitFor()
  return page
}

/** What axe-core finds of serious or critical weight, as lines; by all of its rules unless some are named. */
export async function barriers(page, rules) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  const found = await page.evaluate((only) => axe.run(document, { resultTypes: ['violations'], ...(only ? { runOnly: only } : {}) }), rules)
  return found.violations
    .filter((violation) => ['serious', 'critical'].includes(violation.impact))
    .flatMap((violation) => violation.nodes.map((node) => `${violation.id} at ${node.target}: ${node.failureSummary}`))
}
