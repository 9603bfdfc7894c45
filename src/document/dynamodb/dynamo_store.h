#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "document/document_store.h"
#include "document/dynamodb/dynamo_store_options.h"
#include "document/dynamodb/dynamo_tables.h"

namespace millrace::document {

/// A table of DynamoDB, or of what speaks its protocol. An item is the record's members, of which those of the table's
/// key are its id, and `_millrace`: {split, offset, time}, its version. A deleted one is the key, `_deleted: true`,
/// `_millrace` with the time of that, and when the table's TTL may take it away. What is no item lies in a table
/// beside, positions in one that all share.
class DynamoStore final : public DocumentStore {
 public:
  /// Asks about the tables at the first call. Borrows the clock.
  explicit DynamoStore(DynamoStoreOptions options, const Clock& clock = Clock::System());

  Encoded Encode(const JsonRecord& record, std::span<const std::string> key, const Version& version) override;
  Encoded EncodeAtPlace(const JsonRecord& record, const Version& version) override;
  Encoded EncodeDeleted(std::span<const simdjson::dom::element> key, std::span<const std::string> names,
                        const Version& version) override;
  std::vector<Refusal> Write(std::span<const Change> changes) override;
  void Hold(std::span<const HeldRecord> records) override;
  event::Positions ReadPositions() override;
  /// Nothing: the table's TTL does.
  void Forget(Timestamp before) override;

 private:
  const DynamoTable& Table();
  std::string PutRequest(const Change& change);
  bool SwapPosition(const event::SplitId& split, const event::Cursor& from, const event::Cursor& to) override;
  void RequireOurs(simdjson::dom::object record);

  const DynamoStoreOptions options_;
  const Clock& clock_;
  io::AwsJsonClient client_;
  std::once_flag opened_;
  DynamoTable table_;
};

}  // namespace millrace::document
