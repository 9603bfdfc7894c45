// kinesalite, a server of Kinesis's protocol, on loopback: kinesalite.js FOLDER PORT. Its own program binds every interface. What it lacks of the real one:
// - AT_TIMESTAMP where no record is that young is never answered; the real one gives the end of the shard.
// - Time does not pass for tests: at SIGUSR2 it is 25 hours later, so that retention takes what there is.
// - No shard is ever busy: from SIGHUP on, until the next, every third record of PutRecords is refused, in turn.
const [folder, port] = process.argv.slice(2)
const home = `${folder}/node_modules/kinesalite`
const db = require(`${home}/db`)
const place = require.resolve(`${home}/actions/getShardIterator`)
const real = require(place)

const now = Date.now
let later = 0
Date.now = () => now() + later
process.on('SIGUSR2', () => {
  later += 25 * 3600 * 1000
  console.log('it is later')
})

function iterator(store, data, answer) {
  if (data.ShardIteratorType != 'AT_TIMESTAMP' || data.Timestamp * 1000 > Date.now()) return real(store, data, answer)
  const shard = db.shardIxToHex(+data.ShardId.split('-')[1])
  const records = store.getStreamDb(data.StreamName).createReadStream({ gt: shard, lt: shard + '~' })
  let young = false
  records.on('data', (item) => { young = young || item.value.ApproximateArrivalTimestamp >= data.Timestamp })
  records.on('error', answer)
  records.on('end', () => {
    const { Timestamp, ...rest } = data
    real(store, young ? data : { ...rest, ShardIteratorType: 'LATEST' }, answer)
  })
}
require.cache[place].exports = iterator

const put_place = require.resolve(`${home}/actions/putRecords`)
const put = require(put_place)
let busy = false
let turn = 0
process.on('SIGHUP', () => {
  busy = !busy
  console.log('busy is turned')
})

require.cache[put_place].exports = (store, data, answer) => {
  const refused = data.Records.map(() => busy && turn++ % 3 == 1)
  const taken = data.Records.filter((_, i) => !refused[i])
  const merge = (error, said) => {
    if (error) return answer(error)
    const answers = said.Records.values()
    const why = { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded for shard' }
    answer(null, { FailedRecordCount: refused.filter(Boolean).length, Records: refused.map((no) => (no ? why : answers.next().value)) })
  }
  if (taken.length == 0) return merge(null, { Records: [] })
  put(store, { ...data, Records: taken }, merge)
}

require(home)({ createStreamMs: 20, deleteStreamMs: 20, updateStreamMs: 20, shardLimit: 1000 }).listen(+port, '127.0.0.1')
