#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "document/document_store.h"
#include "document/mongodb/mongo_store_options.h"

namespace millrace::document {

/// A collection of MongoDB, or of what speaks its protocol. A document is `_id`, the record's members, and `_millrace`:
/// {split, offset, time}, its version. A deleted one is `_id`, `_deleted: true` and `_millrace` with the time of that.
/// What is no document lies in `<collection>_quarantine`, positions in `_millrace_positions` of the same database.
class MongoStore final : public DocumentStore {
 public:
  /// Connects at the first call. Borrows the clock.
  explicit MongoStore(MongoStoreOptions options, const Clock& clock = Clock::System());

  Encoded Encode(const JsonRecord& record, std::span<const std::string> key, const Version& version) override;
  Encoded EncodeAtPlace(const JsonRecord& record, const Version& version) override;
  Encoded EncodeDeleted(std::span<const simdjson::dom::element> key, std::span<const std::string> names,
                        const Version& version) override;
  std::vector<Refusal> Write(std::span<const Change> changes) override;
  void Hold(std::span<const HeldRecord> records) override;
  event::Positions ReadPositions() override;
  void Forget(Timestamp before) override;

 private:
  /// Of a piece of the changes, what was not taken because its id is there, by index.
  struct PieceResult {
    std::vector<size_t> there;
    std::map<size_t, std::string> unsure;  // of these, whose index it is that has something is not said
    std::vector<Refusal> refused;
    size_t made = 0;  // of those that replace: what was not there before
  };
  enum class Way { kInsert, kReplace };
  std::vector<Refusal> RefusedAfterAll(std::span<const Change> changes, const std::map<size_t, std::string>& unsure);
  PieceResult WriteAll(std::span<const Change> changes, std::span<const size_t> indexes, Way way);
  PieceResult WritePiece(std::span<const Change> changes, const std::vector<size_t>& piece, Way way);
  bool SwapPosition(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to) override;
  std::string PositionId(const event::SplitId& split) const;

  const MongoStoreOptions options_;
  const Clock& clock_;
  io::MongoClients clients_;
  Way first_way_ = Way::kInsert;  // what suits most of the changes
};

}  // namespace millrace::document
