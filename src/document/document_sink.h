#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "document/document_store.h"
#include "document/record_parser.h"
#include "event/sink.h"

namespace millrace::document {

/// What becomes of the records of a batch before they are documents.
struct Shaped {
  struct Row {
    uint32_t record = 0;
    std::string json;  // empty: as it came
  };
  std::vector<Row> rows;               // rising; a record without one is left out, unless it is rejected
  std::vector<event::Reject> rejects;  // those of which nothing can be made
};
using Shape = std::function<Shaped(const event::EventBatch& events)>;

struct DocumentSinkOptions {
  std::string name;              // for errors
  std::vector<std::string> key;  // members that make a document's id; empty: each record is a document of its own
  /// The record's own key, whole, is the id instead: the member `_id`. Then `key` is that.
  bool id_is_record_key = false;
  PlainKeys plain_keys = PlainKeys::kJson;
  /// Whether a record without a value deletes; else it is as good as a blank one.
  bool deletes = true;
  Shape shape;  // none: records are documents as they come
  /// Given: appends headers (EventBatch::header_block) as the JSON that becomes the member `_headers`.
  std::function<void(std::string_view block, std::string& json)> headers{};
  int64_t record_bytes_max = int64_t{16} << 20;
  /// A commit is due when this much is buffered, or for this long.
  int64_t buffer_bytes = int64_t{16} << 20;
  std::chrono::milliseconds buffer_time{1000};
  /// How long the place of a deleted document is kept.
  std::chrono::milliseconds deleted_for = std::chrono::hours(24);
};

/// Puts JSON records into a document store: the last change of each key wins, whatever is replayed, by the versions in
/// the documents; then positions move in the store, by a compare and swap. A crash between the two writes the same
/// again. Records without a value delete. What is no document goes to the store's quarantine, before positions move.
///
/// Documents appear one by one during a commit. Borrows budget and clock. One thread drives it.
class DocumentSink final : public event::Sink {
 public:
  DocumentSink(std::unique_ptr<DocumentStore> store, DocumentSinkOptions options, ByteBudget& budget,
               const Clock& clock = Clock::System());

  event::Positions Recover() override;
  using event::Sink::Write;
  void Write(event::EventBatchPtr events, std::stop_token stop) override;
  bool CommitDue() const override;
  event::CommitOutcome Commit(std::stop_token stop) override;
  event::Positions positions() const override { return landed_; }
  event::SinkCounts counts() const override { return counts_; }
  event::Wait WaitsFor() const override { return board_.Get(); }

 private:
  struct Buffered {
    Change change;
    bool deletes = false;
    event::EventBatchPtr origin;
    uint32_t record = 0;
  };

  void TakeShaped(const event::EventBatchPtr& events);
  /// `value`: padded, the record or what was made of it.
  void Take(const event::EventBatchPtr& events, uint32_t record, std::string_view value);
  void TakeDelete(const event::EventBatchPtr& events, uint32_t record);
  /// A record with members of ours in front, padded: its key as `_id`, its headers.
  std::string WithOurs(const event::EventBatch& events, uint32_t record, std::string_view value);
  void Keep(const event::EventBatchPtr& events, uint32_t record, Version version, Encoded encoded, bool deletes);
  void Reject(const event::EventBatch& events, uint32_t record, event::RejectCause cause, std::string detail);
  void KeepGap(const event::EventBatch& events);
  static Version VersionOf(const event::EventBatch& events, uint32_t record);
  bool WriteAndMove();
  void WriteChanges();
  void ForgetDeleted();
  void Drop();
  void ShowBuffered();
  template <typename Body>
  auto Through(const std::stop_token& stop, Body&& body);

  const std::unique_ptr<DocumentStore> store_;
  const DocumentSinkOptions options_;
  ByteBudget& budget_;
  const Clock& clock_;
  RecordParser parser_;
  event::Positions landed_;
  event::Positions written_;
  std::vector<Buffered> changes_;
  std::unordered_map<std::string, size_t> change_of_id_;
  std::vector<HeldRecord> held_;
  int64_t buffered_bytes_ = 0;
  Reservation reservation_;
  std::optional<SteadyTime> buffered_since_;
  std::optional<SteadyTime> forgot_;
  event::SinkCounts pending_;
  event::SinkCounts counts_;
  event::WaitBoard board_;
};

}  // namespace millrace::document
