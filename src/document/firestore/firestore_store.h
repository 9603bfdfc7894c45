#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "document/document_store.h"
#include "document/firestore/firestore_options.h"

namespace millrace::document {

class FirestoreClient;

/// A collection of Firestore. A document is the record's members and `_millrace`: {split, offset, time}, its version;
/// its id is made of the key. A deleted one is `_deleted: true`, `_millrace` with the time of that, and
/// `_millrace_expires`. What is no document lies in a collection beside, positions in one of their own.
///
/// Firestore compares no members on writing, only when a document was written last (update_time) or that it is not
/// there. So what is there is looked at, and what is older is replaced on the condition that it is still what was seen;
/// where it is not, that is done again. Where most documents are new, they are written first on the condition that they
/// are. A commit is all or nothing: one that fails twice goes in halves.
class FirestoreStore final : public DocumentStore {
 public:
  /// Connects at the first call. Borrows the clock.
  explicit FirestoreStore(FirestoreStoreOptions options, const Clock& clock = Clock::System());
  ~FirestoreStore() override;

  Encoded Encode(const JsonRecord& record, std::span<const std::string> key, const Version& version) override;
  Encoded EncodeAtPlace(const JsonRecord& record, const Version& version) override;
  Encoded EncodeDeleted(std::span<const simdjson::dom::element> key, std::span<const std::string> names,
                        const Version& version) override;
  std::vector<Refusal> Write(std::span<const Change> changes) override;
  void Hold(std::span<const HeldRecord> records) override;
  event::Positions ReadPositions() override;
  void Forget(Timestamp before) override;

 private:
  class Piece;
  Encoded EncodeMembers(const JsonRecord& record, std::string id, const Version& version) const;
  std::string NameIn(const std::string& collection, const std::string& id) const;
  bool SwapPosition(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to) override;
  bool ForgetSome(Timestamp expired);

  const FirestoreStoreOptions options_;
  const Clock& clock_;
  const std::unique_ptr<FirestoreClient> client_;
  std::atomic<bool> mostly_new_ = true;  // what suits most of the changes
};

}  // namespace millrace::document
