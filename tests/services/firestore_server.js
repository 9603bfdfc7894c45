// @firestore-emulator/server on loopback, with what it lacks beside Firestore's reference: commits that are all or nothing, conditions on when a document
// was written last, an update without a mask that replaces the document, and times of writes that differ.
const {FirestoreServer} = require('@firestore-emulator/server')
const {Server} = require('@grpc/grpc-js')

const [ALREADY_EXISTS, FAILED_PRECONDITION] = [6, 9]
const COMMIT = '/google.firestore.v1.Firestore/Commit'
const bind = Server.prototype.bindAsync
Server.prototype.bindAsync = function (address, ...rest) {
  return bind.call(this, address.replace('0.0.0.0', '127.0.0.1'), ...rest)
}
const firestore = new FirestoreServer()

/** Why a write cannot be done, or undefined. */
function refusal(write) {
  const document = firestore.state.getDocument(write.has_delete ? write.delete : write.update.name)
  const {hasExist, updatedAt} = document.metadata
  const condition = write.has_current_document ? write.current_document : {}
  if (condition.has_exists && condition.exists !== hasExist) {
    return hasExist ? [ALREADY_EXISTS, 'entity already exists'] : [FAILED_PRECONDITION, 'no entity to update']
  }
  const {seconds, nanos} = condition.update_time ?? {}
  if (condition.has_update_time && (!hasExist || updatedAt.getTime() !== seconds * 1000 + nanos / 1e6)) {
    return [FAILED_PRECONDITION, 'the stored version does not match the required base version']
  }
}

const write = firestore.state.writeV1Document
firestore.state.writeV1Document = function (date, one) {
  if (one.has_update && !one.has_update_mask) this.getDocument(one.update.name).fields = {}
  return write.call(this, date, one)
}

const handler = firestore.server.handlers.get(COMMIT)
const commit = handler.func
let last = 0
handler.func = (call, callback) => {
  const found = call.request.writes.map(refusal).find(Boolean)
  if (found) return callback({code: found[0], details: found[1], message: found[1]}, null)
  while (Date.now() <= last); // a millisecond at most
  commit(call, callback)
  last = Date.now()
}

firestore.start(Number(process.argv[2]))
