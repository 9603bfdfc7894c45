// The console in a browser, against the program. Run it with Node; `make test` does.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { barriers, launch, openPage } from './browser.mjs'
import { Pipeline, until } from './pipeline.mjs'

/** It would set window.harmed, if any text became markup. */
const HARM = '<img src=x onerror=window.harmed=1>'
const BYTES_MAX = 300_000
const SUBSCRIBERS_MAX = 16

const SHOP = `
name: "shop ${HARM}"
server: { listen: "LISTEN" }
sources:
  "made ${HARM}": { generator: { kind: clicks, rate: 100, malformed: 5% }, topic: clicks }
  web: { http_ingest: { routes: { "/orders": { topic: orders, key: $.who } } } }
topics: { clicks: { partitions: 2, retention: 7d }, orders: { partitions: 1 } }
tables:
  bronze.clicks: { from: clicks, files: { encoding: jsonl, buffer_time: 1s } }
  silver.clicks: { from: clicks, columns: { ts: timestamptz }, iceberg: { partition_by: [day(ts)] }, freshness: 1s }
  silver.orders: { from: orders, freshness: 100ms, columns: { id: long, "${HARM}": long }, contract: { types: discard_row } }
models: models
`
const MODELS = {
  'models/gold/pages.sql': `-- ---
-- materialized: table
-- description: "How often each page was clicked ${HARM}"
-- expect:
--   - "clicks > 0": warn
-- ---
SELECT page, count(*) AS clicks FROM silver.clicks GROUP BY page
`,
  'models/gold/busy.sql': '-- ---\n-- materialized: view\n-- ---\nSELECT * FROM gold.pages WHERE clicks > 1\n',
}
const SCHEMA = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'long' }] })
const WIDER = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'id', type: 'long' }, { name: 'note', type: ['null', 'string'], default: null }] })

let browser

// Each has a pipeline of its own, and waits most of the time.
describe('the console', { concurrency: 3 }, () => {
  before(async () => {
    browser = await launch()
  })
  after(() => browser?.close())

  describe('a pipeline at work', { concurrency: 1 }, () => {
    let shop
    before(async () => {
      shop = await Pipeline.make(SHOP, MODELS)
      await shop.post('/orders', [{ id: 1, who: HARM, [HARM]: 1 }, { id: 2, who: 'b' }])
      await until('orders have landed', async () => (await shop.sql('SELECT count(*) AS n FROM silver.orders'))[0].n === 2)
      await shop.post('/orders', { id: 3, who: HARM, [HARM]: 'many' })
      for (const schema of [SCHEMA, WIDER]) await shop.post('/subjects/orders-value/versions', { schema })
      await until('what breaks the contract is in quarantine', async () => (await shop.json('/api/v1/quarantine')).some((row) => row.table === 'silver.orders'))
      await until('the model has run', async () => (await shop.json('/api/v1/models')).some((row) => row.outcome))
      await until('what has no form is in quarantine', async () => (await shop.json('/api/v1/quarantine')).some((row) => row.table === 'silver.clicks'))
    })
    after(() => shop?.drop())

    // Each place, what it has to say of this pipeline, and what is pressed to see more.
    const PLACES = [
      ['/', ['silver.clicks', 'made <img', 'Landing', 'buffering|up to date|committing']],
      ['/topics', ['clicks', '7d', 'orders']],
      ['/topics/orders', ['Not read yet, over time', '"id":3', 'onerror=window.harmed=1>/silver.orders'], ['tbody button']],
      ['/tables', ['bronze.clicks', 'gold.pages', 'silver.orders']],
      ['/tables/silver.clicks', ['dwell_ms', 'as it was made'], ['button:text("Snapshots")', 'button:text("Files")', 'button:text("About")']],
      ['/tables/bronze.clicks', ['plain files']],
      ['/query', ['silver', 'Nothing asked yet']],
      ['/quarantine', ['malformed', 'contract']],
      ['/quarantine/silver.orders', ['orders 0 : 2'], ['tbody button']],
      ['/models', ['gold.pages', 'clicks > 0', 'built']],
      ['/models/gold.pages', ['How often each page', 'SELECT page', 'met']],
      ['/schemas', ['orders-value']],
      ['/schemas/orders-value', ['version 2', 'note'], ['button:text("Check compatibility")']],
      ['/connectors', ['takes no connectors|There are no connectors yet']],
      ['/logs', ['metrics and health at']],
      ['/nowhere', ['There is no such page']],
    ]
    test('every page shows what there is, to everyone', async () => {
      const page = await openPage(browser, shop.url)
      const open = async (step) => {
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
          // What is there is the same in both; how it can be read is not.
          assert.deepEqual(await barriers(page, colorScheme === 'dark' ? ['color-contrast'] : undefined), [], `${step}, ${colorScheme}`)
        }
      }
      for (const [place, words, presses = []] of PLACES) {
        await page.at(place)
        for (const word of words) await until(`${place} says ${word}`, async () => (await page.locator('main').innerText()).match(word), 15)
        await open(place)
        for (const press of presses) {
          await page.locator(press).first().click()
          await page.locator('.pending').waitFor({ state: 'detached' })
          await open(`${place} after ${press}`)
        }
      }
      assert.equal(await page.evaluate(() => window.harmed), undefined)
      assert.deepEqual(page.faults, [])
      await page.context().close()
    })

    test('what comes from data stays text', async () => {
      const page = await openPage(browser, shop.url)
      for (const place of ['/', '/topics/orders', `/topics/${encodeURIComponent(HARM)}`, `/tables/${encodeURIComponent(`x.${HARM}`)}`, '/quarantine/silver.orders', '/models/gold.pages', '/logs']) {
        await page.at(place)
        await until(`${place} shows it`, async () => (await page.content()).includes('&lt;img src=x onerror') || place === '/logs')
        if (place.includes('orders')) {
          await page.locator('tbody button').first().click()
          await until('the record is open', async () => (await page.locator('pre.code').first().innerText()).includes('onerror'))
        }
        assert.equal(await page.locator('img').count(), 0, place)
      }
      await page.at(`/query?sql=${encodeURIComponent(`SELECT '${HARM}' AS "${HARM}"`)}`)
      await page.getByRole('button', { name: 'Run' }).click()
      await page.locator('td', { hasText: HARM }).waitFor()
      assert.equal(await page.evaluate(() => window.harmed), undefined)
      // What the server says no to is no fault of the page.
      assert.deepEqual(page.faults.filter((fault) => !fault.includes('status of 400')), [])
      await page.context().close()
    })

    test('numbers go on by themselves', async () => {
      const page = await openPage(browser, shop.url)
      await page.at('/')
      const events = page.locator('.node', { hasText: 'generator' }).locator('.node-line').nth(1)
      await events.waitFor()
      const first = await events.innerText()
      await until('the count of events has changed', async () => (await events.innerText()) !== first)
      await page.context().close()
    })

    test('messages are found by offset, partition and filter, and sent', async () => {
      const page = await openPage(browser, shop.url)
      await page.at('/topics/orders')
      await page.getByLabel('Begin with').selectOption('offset')
      await page.getByLabel('Offset', { exact: true }).fill('1')
      await page.getByRole('button', { name: 'Look', exact: true }).click()
      await until('two are left', async () => (await page.locator('table').first().locator('tbody tr').count()) === 2)
      await page.getByLabel('Filter', { exact: true }).fill('who = b')
      await page.getByRole('button', { name: 'Look', exact: true }).click()
      await until('one is like that', async () => (await page.locator('table').first().locator('tbody tr').allInnerTexts()).join().includes('"who":"b"'))
      await page.getByLabel('Filter by').selectOption('where')
      await page.getByLabel('Filter', { exact: true }).fill("id > 1 AND who = 'b'")
      await page.getByRole('button', { name: 'Look', exact: true }).click()
      await until('one meets the condition', async () => (await page.locator('table').first().locator('tbody tr').allInnerTexts()).join().match(/^[^{]*{"id":2,"who":"b"}[^{]*$/))
      await page.getByLabel('Filter', { exact: true }).fill('id > (')
      await page.getByRole('button', { name: 'Look', exact: true }).click()
      await page.locator('[role=alert]', { hasText: 'where: ' }).waitFor()
      assert.deepEqual(await barriers(page), [])
      assert.ok(page.faults.splice(0).every((fault) => fault.includes('status of 400')))
      await page.getByRole('button', { name: 'Write one' }).click()
      await page.getByLabel('Key', { exact: true }).fill('k1')
      await page.getByLabel('Value', { exact: true }).fill('{\n "id": 77 }')
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.says('Sent: partition 0, offset 3.')
      await until('it has landed', async () => (await shop.sql('SELECT count(*) AS n FROM silver.orders WHERE id = 77'))[0].n === 1)
      const { records } = await shop.json('/api/v1/topics/orders/records?offset=3')
      assert.deepEqual([records[0].key, records[0].value], ['k1', '{"id":77}'])
      assert.deepEqual(page.faults, [])
      await page.context().close()
    })

    test('a statement is completed, asked, drawn and downloaded', async () => {
      const page = await openPage(browser, shop.url, { acceptDownloads: true })
      await page.at('/query')
      await page.locator('.tree summary', { hasText: 'silver.clicks' }).waitFor()
      await page.locator('.cm-content').click()
      await page.keyboard.type('SELECT * FROM silver.')
      await page.locator('.cm-tooltip-autocomplete li', { hasText: 'orders' }).waitFor()
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+a')
      await page.keyboard.type('SELECT id, id * 2 AS twice FROM silver.orders WHERE id < 3 ORDER BY id')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+Enter')
      await page.says('2 rows')
      assert.deepEqual(await page.locator('tbody td').allInnerTexts(), ['1', '2', '2', '4'])
      const coming = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Download', exact: true }).click()
      const file = await (await coming).createReadStream()
      let text = ''
      for await (const piece of file) text += piece
      assert.equal(text.replaceAll('\r', ''), 'id,twice\n1,2\n2,4\n')
      await page.getByRole('button', { name: 'Chart' }).click()
      await page.locator('canvas').waitFor()
      assert.deepEqual(page.faults, [])
      await page.context().close()
    })

    test('small files are merged when somebody says so', async () => {
      const page = await openPage(browser, shop.url)
      await page.at('/tables/silver.orders')
      await page.getByRole('button', { name: 'Files', exact: true }).click()
      await page.getByRole('button', { name: 'Maintain now' }).click()
      await page.says('Done: ')
      const layout = await shop.json('/api/v1/tables/silver.orders/layout')
      assert.equal(layout.files, 1)
      assert.deepEqual(page.faults, [])
      await page.context().close()
    })

    test('the keyboard reaches everything, and colours are chosen', async () => {
      const page = await openPage(browser, shop.url)
      await page.at('/topics/orders')
      await page.locator('tbody button').first().waitFor()
      // Back from the heading, where who comes to a page is put.
      const passed = []
      await until('the first stop', async () => {
        await page.keyboard.press('Shift+Tab')
        passed.push(await page.evaluate(() => document.activeElement.textContent.trim()))
        return passed.at(-1) === 'To the content'
      })
      for (const stop of ['Dark', 'Logs', 'Tables', 'Overview']) assert.ok(passed.includes(stop), `${stop} is not among ${passed}`)
      await page.keyboard.press('Enter')
      assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1')
      await page.locator('tbody button').first().focus()
      await page.keyboard.press('Enter')
      await page.locator('.detail').waitFor()
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      const light = await background()
      await page.getByRole('button', { name: 'Dark' }).press('Space')
      assert.notEqual(await background(), light)
      await page.reload()
      assert.notEqual(await background(), light, 'and it stays so')
      await page.context().close()
    })

    test('connectors are made from a form, and say why they fail', async () => {
      const page = await openPage(browser, shop.url)
      await page.at('/connectors')
      if (!(await shop.json('/api/v1/session')).parts.connectors) {
        await page.says('takes no connectors')
        await page.context().close()
        return
      }
      await page.getByRole('link', { name: 'Make a connector' }).click()
      await page.getByLabel('Class', { exact: true }).selectOption('millrace.Generator')
      await page.getByLabel('Name', { exact: true }).fill('made-up')
      await page.getByRole('button', { name: 'Make it' }).click()
      await page.says('Missing required configuration "topic"')
      assert.deepEqual(await barriers(page), [])
      await page.getByLabel(/^Topic/).fill('made_up')
      await page.getByRole('button', { name: 'All options' }).click()
      await page.getByLabel('kind', { exact: true }).fill('users')
      await page.getByLabel('rate', { exact: true }).fill('5')
      await page.getByRole('button', { name: 'Make it' }).click()
      await page.locator('h1', { hasText: 'made-up' }).waitFor()
      await page.locator('.stat', { hasText: 'running' }).first().waitFor()
      await page.getByRole('button', { name: 'Pause' }).click()
      await page.locator('.stat', { hasText: 'paused' }).first().waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.locator('.stat', { hasText: 'running' }).first().waitFor()
      await page.getByRole('button', { name: 'Restart' }).click()
      await page.says('It starts again.')
      assert.deepEqual(await barriers(page), [])
      page.removeAllListeners('dialog')
      page.on('dialog', (dialog) => dialog.accept())
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.says('There are no connectors yet')
      assert.deepEqual(await shop.json('/connectors'), [])
      assert.deepEqual(page.faults.filter((fault) => !fault.includes('status of 4')), [])
      await page.context().close()
    })

    test('it is small, and asks nobody else', async () => {
      const page = await openPage(browser, shop.url)
      await page.at('/query')
      await page.locator('.cm-content').waitFor()
      const sizes = await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter((entry) => !entry.name.includes('/api/')).map((entry) => entry.encodedBodySize))
      const total = sizes.reduce((sum, size) => sum + size, 0)
      assert.ok(total > 50_000 && total <= BYTES_MAX, `${total} bytes`)
      assert.deepEqual(page.faults, [])
      await page.context().close()
    })

    test('who follows is bounded, and gives way', async () => {
      const stop = new AbortController()
      const follow = async () => (await fetch(`${shop.url}/api/v1/events`, { signal: stop.signal })).status
      // Pages of other tests have gone, which is noticed with the next event to them.
      for (let i = 0; i < SUBSCRIBERS_MAX; ++i) await until('a place', async () => (await follow()) === 200)
      assert.equal(await follow(), 503)
      stop.abort()
      await until('there is room again', async () => {
        const last = new AbortController()
        const { status } = await fetch(`${shop.url}/api/v1/events`, { signal: last.signal })
        last.abort()
        return status === 200
      })
    })

    test('a page elsewhere changes nothing', async () => {
      const before = await shop.json('/api/v1/topics/orders')
      for (const headers of [{ Origin: 'http://evil.example' }, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }]) {
        for (const path of ['/topics/orders/records', '/tables/silver.orders/maintain', '/quarantine/silver.orders/replay']) {
          const { status } = await fetch(`${shop.url}/api/v1${path}`, { method: 'POST', headers, body: '{"value":"x"}' })
          assert.equal(status, 403, path)
        }
      }
      assert.deepEqual((await shop.json('/api/v1/topics/orders')).partitions, before.partitions)
    })
  })

  describe('the first hour', { concurrency: 1 }, () => {
    const EMPTY = 'name: first\nserver: { listen: "LISTEN" }\n'
    const pipeline = (contract) => `${EMPTY}
sources: { users: { generator: { kind: users, rows: 300 }, topic: users } }
tables: { silver.users: { from: users, key: [id], freshness: 100ms, columns: { post_code: string, score: long }, contract: { types: ${contract} } } }
`
    let first
    before(async () => {
      first = await Pipeline.make(EMPTY)
    })
    after(() => first?.drop())

    test('from nothing to a poisoned record that is a row after all', async () => {
      const page = await openPage(browser, first.url)
      await page.at('/')
      await page.says('Nothing flows yet')
      for (const [place, words] of [['/topics', 'There are no topics yet'], ['/tables', 'There are no tables yet'], ['/quarantine', 'Quarantine is empty'], ['/models', 'no models'], ['/schemas', 'No schema is registered yet'], ['/query', 'No tables yet']]) {
        await page.at(place)
        await page.says(words)
      }
      await first.stop()
      await first.start(pipeline('discard_row'))
      await page.at('/')
      await page.reload()
      await page.locator('.node', { hasText: 'silver.users' }).waitFor()
      await until('rows have landed', async () => (await first.sql('SELECT count(*) AS n FROM silver.users'))[0].n === 300)

      await page.locator('.node', { hasText: 'silver.users' }).click()
      await page.getByRole('link', { name: 'Query it' }).click()
      await page.getByRole('button', { name: 'Run' }).click()
      await page.says('100 rows')

      await page.at('/topics/users')
      await page.getByRole('button', { name: 'Write one' }).click()
      await page.getByLabel('Value', { exact: true }).fill('{"id": "poisoned", "score": "a lot"}')
      await page.getByRole('button', { name: 'Send', exact: true }).click()
      await page.says('Sent: ')
      await until('it is in quarantine', async () => (await first.json('/api/v1/quarantine')).length === 1)

      await page.at('/quarantine')
      await page.locator('tbody a', { hasText: 'silver.users' }).click()
      await page.locator('tbody button').first().click()
      await page.says('does not fit its type')
      await page.locator('.named', { hasText: 'score' }).waitFor()
      await page.getByRole('button', { name: 'Try a replay' }).click()
      await page.says('0 of 1 would become rows')

      await first.stop()
      await first.start(pipeline('discard_value'))
      await page.reload()
      await page.getByRole('button', { name: 'Replay', exact: true }).click()
      await page.says('1 of 1 became rows')
      await page.says('Nothing waits here')
      const [row] = await first.sql("SELECT score, _rescued FROM silver.users WHERE id = 'poisoned'")
      assert.equal(row.score, null)
      assert.match(row._rescued, /a lot/)

      // A page that was left open says that the server is gone, and comes back with it.
      await first.stop()
      await page.says('Not connected')
      await first.start(pipeline('discard_value'))
      await page.locator('.link.up').waitFor()
      const mine = page.faults.filter((fault) => !/net::ERR|status of 503/.test(fault))
      assert.deepEqual(mine, [])
      await page.context().close()
    })
  })

  describe('with tokens', { concurrency: 1 }, () => {
    const TOKENS = { looker: ['read'], analyst: ['read', 'query'], operator: ['read', 'query', 'operate'] }
    const tokenOf = (name) => `${name}-0123456789abcdef`
    let guarded
    before(async () => {
      const files = Object.fromEntries(Object.keys(TOKENS).map((name) => [`${name}.token`, tokenOf(name)]))
      const tokens = Object.entries(TOKENS).map(([name, roles]) => `${name}: { token: { secret: "file:${name}.token" }, roles: [${roles}] }`)
      guarded = await Pipeline.make(`
name: guarded
server: { listen: "LISTEN", tokens: { ${tokens.join(', ')} } }
sources: { users: { generator: { kind: users, rows: 5 }, topic: users } }
tables: { silver.users: { from: users, freshness: 100ms } }
`, files)
    })
    after(() => guarded?.drop())

    const enter = async (page, token) => {
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button', { name: 'Enter' }).click()
    }

    test('the page asks for one, and keeps it to itself', async () => {
      const page = await openPage(browser, guarded.url)
      await page.at('/')
      assert.deepEqual(await barriers(page), [])
      await enter(page, 'not-one-of-them-at-all')
      await page.says('does not know that token')
      await enter(page, tokenOf('operator'))
      await page.locator('.node', { hasText: 'silver.users' }).waitFor()
      const kept = await page.evaluate(() => [JSON.stringify(localStorage), document.cookie, location.href].join())
      assert.ok(!kept.includes(tokenOf('operator')))
      await page.reload()
      await page.locator('.node').first().waitFor()
      const other = await page.context().newPage()
      await other.goto(guarded.url)
      await other.getByLabel('Token').waitFor()
      await page.getByRole('button', { name: 'Forget the token' }).click()
      await page.getByLabel('Token').waitFor()
      assert.deepEqual(page.faults, [])
      await page.context().close()
    })

    test('roles decide what is shown, and what is done', async () => {
      for (const [name, sees, misses] of [
        ['looker', ['Overview', 'Topics', 'Tables', 'Models'], ['Query', 'Quarantine', 'Logs']],
        ['analyst', ['Query', 'Quarantine'], ['Logs']],
        ['operator', ['Query', 'Quarantine', 'Logs'], []],
      ]) {
        const page = await openPage(browser, guarded.url)
        await page.at('/')
        await enter(page, tokenOf(name))
        const links = page.getByRole('navigation')
        await links.getByRole('link', { name: 'Overview' }).waitFor()
        for (const text of sees) assert.equal(await links.getByRole('link', { name: text, exact: true }).count(), 1, `${name} ${text}`)
        for (const text of misses) assert.equal(await links.getByRole('link', { name: text, exact: true }).count(), 0, `${name} ${text}`)
        if (misses.includes('Logs')) {
          await page.at('/logs')
          await page.says('Your token is not for this')
        }
        await page.at('/topics/users')
        await page.locator('h2', { hasText: 'Partitions' }).waitFor()
        assert.equal(await page.locator('h2', { hasText: 'Messages' }).count(), sees.includes('Query') ? 1 : 0)
        assert.equal(await page.locator('h2', { hasText: 'Send a message' }).count(), name === 'operator' ? 1 : 0)
        assert.deepEqual(page.faults, [])
        await page.context().close()
      }
    })

    test('routes answer what verbs print', async () => {
      const asked = (path) => guarded.json(`/api/v1${path}`, { headers: { Authorization: `Bearer ${tokenOf('operator')}` } })
      await until('all has landed', async () => (await asked('/tables')).some((row) => row.table === 'silver.users' && row.rows === 5) && (await asked('/topics'))[0].lag_max === 0)
      assert.deepEqual(await asked('/topics'), guarded.verb('topics', 'list'))
      assert.deepEqual(await asked('/topics/users'), guarded.verb('topics', 'describe', 'users'))
      assert.deepEqual(await asked('/tables'), guarded.verb('tables', 'list'))
      const { form, configured, schemas, ...described } = await asked('/tables/silver.users')
      assert.deepEqual(described, guarded.verb('tables', 'describe', 'silver.users'))
      assert.deepEqual([form, configured, schemas.length], ['iceberg', { from: 'users', key: [] }, 1])
      assert.deepEqual(await asked('/tables/silver.users/snapshots'), guarded.verb('tables', 'snapshots', 'silver.users'))
      assert.deepEqual(await asked('/quarantine'), guarded.verb('quarantine', 'list'))
    })

    test('the server has the last word', async () => {
      const status = async (name, path, method = 'GET') => (await fetch(`${guarded.url}/api/v1${path}`, { method, headers: name ? { Authorization: `Bearer ${tokenOf(name)}` } : {}, body: method === 'POST' ? '{"value":"x"}' : undefined })).status
      const allowed = { looker: [], analyst: ['/topics/users/records', '/quarantine'], operator: ['/topics/users/records', '/quarantine', '/logs'] }
      for (const path of ['/topics/users/records', '/quarantine', '/quarantine/silver.users', '/logs', '/events', '/flow', '/topics', '/tables/silver.users', '/models', '/runs']) {
        assert.equal(await status('', path), 401, path)
      }
      for (const [name, paths] of Object.entries(allowed)) {
        for (const path of ['/topics/users/records', '/quarantine', '/logs']) assert.equal(await status(name, path), paths.includes(path) ? 200 : 403, `${name} ${path}`)
        for (const path of ['/topics/users/records', '/tables/silver.users/maintain', '/quarantine/silver.users/replay']) {
          assert.equal(await status(name, path, 'POST'), name === 'operator' ? 200 : 403, `${name} POST ${path}`)
        }
      }
    })
  })
})
