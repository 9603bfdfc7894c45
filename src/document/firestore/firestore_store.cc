#include "document/firestore/firestore_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/fault.h"
#include "base/random.h"
#include "document/firestore/firestore_client.h"
#include "document/firestore/firestore_document.h"
#include "document/members.h"
#include "document/record_parser.h"
#include "io/outage_patience.h"
#include "io/several_at_once.h"

namespace millrace::document {
namespace {

using io::GrpcAnswer;
using io::GrpcCode;
namespace dom = simdjson::dom;

// What one commit carries at most: Firestore's own limits are 500 writes and 10 MiB. All of it fails together.
constexpr size_t kCommitWrites = 250;
constexpr size_t kCommitBytes = size_t{4} << 20;
constexpr int32_t kForgetAtOnce = 250;
// Of a record in quarantine: a document has 1 MiB.
constexpr size_t kHeldValueBytesMax = size_t{900} << 10;
constexpr size_t kHeldKeyBytesMax = size_t{64} << 10;
constexpr size_t kHeldDetailBytesMax = size_t{4} << 10;

FirestoreStoreOptions Completed(FirestoreStoreOptions options) {
  if (options.quarantine_collection.empty()) options.quarantine_collection = options.collection + "_quarantine";
  return options;
}

/// Something else is there than was looked at.
bool IsNotMet(GrpcCode code) {
  return code == GrpcCode::kFailedPrecondition || code == GrpcCode::kAlreadyExists || code == GrpcCode::kNotFound;
}

using Stood = google::protobuf::Timestamp;

/// `stood`: when what is there was written; null: nothing is.
void SetCondition(const Stood* stood, firestore::SerializedWrite& write) {
  if (stood == nullptr) return write.mutable_current_document()->set_exists(false);
  *write.mutable_current_document()->mutable_update_time() = *stood;
}

std::vector<std::vector<size_t>> Pieces(std::span<const Change> changes) {
  std::vector<std::vector<size_t>> pieces;
  size_t bytes = kCommitBytes;
  for (size_t i = 0; i < changes.size(); ++i) {
    bytes += changes[i].body.size();
    if (bytes > kCommitBytes || pieces.back().size() == kCommitWrites) {
      pieces.emplace_back();
      bytes = changes[i].body.size();
    }
    pieces.back().push_back(i);
  }
  return pieces;
}

void RequireOurs(dom::object record) {
  RequireFree(record, kVersionMember);
  RequireFree(record, kExpiresMember);
}

}  // namespace

/// Some changes, in one commit or in several.
class FirestoreStore::Piece {
 public:
  Piece(FirestoreStore& store, std::span<const Change> changes) : store_(store), changes_(changes) {}

  /// Those of the changes that did not fit are added to `refused`.
  void Write(std::span<const size_t> piece, std::vector<Refusal>& refused) {
    bool look = !store_.mostly_new_;
    for (int failures = 0;; ++failures) {
      std::vector<Planned> plan;
      if (look) {
        plan = Look(piece);
      } else {
        for (const size_t index : piece) plan.push_back({index, std::nullopt});
      }
      if (plan.empty()) return;
      const auto answer = Commit(plan);
      if (answer.code == GrpcCode::kOk) return;
      if (IsNotMet(answer.code)) {
        if (failures == 0 || piece.size() == 1) {
          Pause(failures, answer);
          look = true;
          continue;
        }
      } else if (answer.code != GrpcCode::kInvalidArgument) {
        throw ErrorOf(answer, "writing to the collection " + store_.options_.collection);
      } else if (plan.size() == 1) {
        refused.push_back({plan[0].index, answer.message});
        return;
      }
      const auto half = piece.size() / 2;
      Write(piece.first(half), refused);
      return Write(piece.subspan(half), refused);
    }
  }

 private:
  struct Planned {
    size_t index = 0;
    std::optional<Stood> stood;
  };

  /// What of them is newer than what is there.
  std::vector<Planned> Look(std::span<const size_t> piece) {
    std::vector<std::string> names;
    for (const size_t index : piece) names.push_back(NameOf(index));
    std::unordered_map<std::string, firestore::Document> there;
    for (auto& document : store_.client_->BatchGet(names, std::string(kVersionMember))) {
      auto name = document.name();
      there.emplace(std::move(name), std::move(document));
    }
    store_.mostly_new_ = 2 * there.size() < piece.size();
    std::vector<Planned> plan;
    for (size_t i = 0; i < piece.size(); ++i) {
      const auto found = there.find(names[i]);
      if (found == there.end()) {
        plan.push_back({piece[i], std::nullopt});
      } else if (Replaces(changes_[piece[i]], found->second)) {
        plan.push_back({piece[i], found->second.update_time()});
      }
    }
    return plan;
  }

  static bool Replaces(const Change& change, const firestore::Document& there) {
    if (!change.keyed) return false;  // it is this record
    const auto version = VersionIn(there);
    if (!version) return true;
    auto ours = change.version;
    ours.time = std::chrono::floor<std::chrono::milliseconds>(ours.time);  // as it is kept
    return IsNewer(ours, *version);
  }

  GrpcAnswer Commit(std::span<const Planned> plan) {
    firestore::SerializedCommit commit;
    commit.set_database(store_.client_->database());
    for (const auto& [index, stood] : plan) {
      auto& write = *commit.add_writes();
      write.set_update(changes_[index].body);
      SetCondition(stood ? &*stood : nullptr, write);
    }
    FaultPoint("documents.before_request");
    auto answer = store_.client_->Commit(commit);
    FaultPoint("documents.after_request");
    return answer;
  }

  std::string NameOf(size_t index) const { return store_.NameIn(store_.options_.collection, changes_[index].id); }

  /// Somebody else writes the same document: the next look is later, and not at the same time as theirs.
  static void Pause(int failures, const GrpcAnswer& answer) {
    constexpr int kFailuresMax = 10;
    if (failures == 0) return;
    static thread_local auto random = Random::FromSystem();
    const std::chrono::milliseconds wait(random.Below(uint64_t{10} << failures));
    if (failures < kFailuresMax && io::OutagePatience::Sleep(wait)) return;
    throw Error(ErrorCode::kUnavailable,
                fmt::format("a document was changed by others each time it was to be written: {}", answer.message));
  }

  FirestoreStore& store_;
  const std::span<const Change> changes_;
};

FirestoreStore::FirestoreStore(FirestoreStoreOptions options, const Clock& clock)
    : options_(Completed(std::move(options))),
      clock_(clock),
      client_(std::make_unique<FirestoreClient>(options_.server)) {}

FirestoreStore::~FirestoreStore() = default;

std::string FirestoreStore::NameIn(const std::string& collection, const std::string& id) const {
  return fmt::format("{}/documents/{}/{}", client_->database(), collection, id);
}

Encoded FirestoreStore::EncodeMembers(const JsonRecord& record, std::string id, const Version& version) const {
  RequireOurs(record.object);
  FirestoreDocument document(NameIn(options_.collection, id));
  document.Members(record, options_.long_numbers);
  document.Version(version, std::nullopt);
  return {std::move(id), document.Finish()};
}

Encoded FirestoreStore::Encode(const JsonRecord& record, std::span<const std::string> key, const Version& version) {
  std::vector<dom::element> values;
  for (const auto& name : key) values.push_back(KeyMember(record.object, name));
  return EncodeMembers(record, FirestoreId(values, key), version);
}

Encoded FirestoreStore::EncodeAtPlace(const JsonRecord& record, const Version& version) {
  return EncodeMembers(record, FirestoreId(PlaceOf(version.split, version.offset)), version);
}

Encoded FirestoreStore::EncodeDeleted(std::span<const dom::element> key, std::span<const std::string> names,
                                      const Version& version) {
  auto id = FirestoreId(key, names);
  const auto now = clock_.Now();
  FirestoreDocument document(NameIn(options_.collection, id));
  document.Flag(kDeletedMember);
  document.Version(version, now);
  document.Time(std::string(kExpiresMember), now + options_.deleted_for);
  return {std::move(id), document.Finish()};
}

std::vector<FirestoreStore::Refusal> FirestoreStore::Write(std::span<const Change> changes) {
  const auto pieces = Pieces(changes);
  std::vector<Refusal> refused;
  std::mutex mutex;
  io::SeveralPatiently(pieces.size(), static_cast<size_t>(options_.writers), [&](size_t i) {
    std::vector<Refusal> some;
    Piece(*this, changes).Write(pieces[i], some);
    const std::lock_guard lock(mutex);
    std::ranges::move(some, std::back_inserter(refused));
  });
  return refused;
}

/// One a commit: there are few, and one that is there fails its commit.
void FirestoreStore::Hold(std::span<const HeldRecord> records) {
  io::SeveralPatiently(records.size(), static_cast<size_t>(options_.writers), [&](size_t i) {
    const auto& record = records[i];
    FirestoreDocument held(NameIn(options_.quarantine_collection, FirestoreId(PlaceOf(record.split, record.offset))));
    held.Text("topic", record.topic);
    held.Whole("partition", record.partition);
    held.Whole("offset", record.offset);
    held.Text("cause", event::ToString(record.cause));
    held.Held("detail", record.detail, kHeldDetailBytesMax);
    held.Held("value", record.value, kHeldValueBytesMax);
    held.Whole("value_bytes", static_cast<int64_t>(record.value.size()));
    held.Held("key", record.key, kHeldKeyBytesMax);
    held.Time("time", record.time);
    firestore::SerializedCommit commit;
    commit.set_database(client_->database());
    auto& write = *commit.add_writes();
    write.set_update(held.Finish());
    SetCondition(nullptr, write);
    const auto answer = client_->Commit(commit);
    if (answer.code == GrpcCode::kOk || answer.code == GrpcCode::kAlreadyExists ||
        answer.code == GrpcCode::kFailedPrecondition) {
      return;
    }
    throw ErrorOf(answer, fmt::format("the collection {} does not take a record that is to be kept",
                                      options_.quarantine_collection));
  });
}

event::Positions FirestoreStore::ReadPositions() {
  return io::OutagePatience::Ask([&] {
    firestore::RunQueryRequest request;
    request.set_parent(client_->database() + "/documents");
    auto& query = *request.mutable_structured_query();
    query.add_from()->set_collection_id(options_.positions_collection);
    auto& filter = *query.mutable_where()->mutable_field_filter();
    filter.mutable_field()->set_field_path("scope");
    filter.set_op(firestore::StructuredQuery::FieldFilter::EQUAL);
    filter.mutable_value()->set_string_value(options_.scope);
    event::Positions positions;
    for (const auto& document : client_->RunQuery(request)) {
      const auto split = TextIn(document, "split");
      const auto cursor = TextIn(document, "cursor");
      if (split.empty() || cursor.empty()) {
        throw Error(ErrorCode::kStop,
                    fmt::format("{} has no text `split` and `cursor`: something else wrote it", document.name()));
      }
      positions[event::SplitId(split)] = event::Cursor(cursor);
    }
    return positions;
  });
}

bool FirestoreStore::SwapPosition(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to) {
  const auto name =
      NameIn(options_.positions_collection, FirestoreId(fmt::format("{}|{}", options_.scope, split.value())));
  const auto there = client_->BatchGet({name}, "cursor");
  const auto at = there.empty() ? event::kStart : event::Cursor(TextIn(there[0], "cursor"));
  if (at != from) return false;
  FirestoreDocument position(name);
  position.Text("scope", options_.scope);
  position.Text("split", split.value());
  position.Text("cursor", to.value());
  firestore::SerializedCommit commit;
  commit.set_database(client_->database());
  auto& write = *commit.add_writes();
  write.set_update(position.Finish());
  SetCondition(there.empty() ? nullptr : &there[0].update_time(), write);
  const auto answer = client_->Commit(commit);
  if (answer.code == GrpcCode::kOk) return true;
  if (!IsNotMet(answer.code)) throw ErrorOf(answer, "moving a position in " + options_.positions_collection);
  return false;
}

void FirestoreStore::Forget(Timestamp before) {
  while (ForgetSome(before + options_.deleted_for)) continue;
}

/// False when there are no more.
bool FirestoreStore::ForgetSome(Timestamp expired) {
  const auto slash = options_.collection.rfind('/');
  firestore::RunQueryRequest request;
  request.set_parent(client_->database() + "/documents" +
                     (slash == std::string::npos ? "" : "/" + options_.collection.substr(0, slash)));
  auto& query = *request.mutable_structured_query();
  query.add_from()->set_collection_id(options_.collection.substr(slash + 1));  // npos + 1: all of it
  query.mutable_select()->add_fields()->set_field_path("__name__");
  query.mutable_limit()->set_value(kForgetAtOnce);
  auto& filter = *query.mutable_where()->mutable_field_filter();
  filter.mutable_field()->set_field_path(std::string(kExpiresMember));
  filter.set_op(firestore::StructuredQuery::FieldFilter::LESS_THAN);
  SetTime(*filter.mutable_value()->mutable_timestamp_value(), expired);
  const auto notes = client_->RunQuery(request);
  firestore::SerializedCommit commit;
  commit.set_database(client_->database());
  for (const auto& note : notes) {
    auto& write = *commit.add_writes();
    write.set_delete_(note.name());
    SetCondition(&note.update_time(), write);
  }
  if (notes.empty()) return false;
  const auto answer = client_->Commit(commit);
  // One that was written meanwhile is no note any more: the next query does not find it.
  if (answer.code != GrpcCode::kOk && !IsNotMet(answer.code)) throw ErrorOf(answer, "forgetting deleted documents");
  return answer.code != GrpcCode::kOk || static_cast<int32_t>(notes.size()) == kForgetAtOnce;
}

}  // namespace millrace::document
