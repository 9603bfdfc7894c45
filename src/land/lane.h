#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/trace.h"
#include "event/decoder.h"
#include "event/sink.h"
#include "event/waiting.h"
#include "land/data_file_writer.h"
#include "land/key_hash.h"
#include "land/key_index.h"
#include "land/metadata_columns.h"
#include "land/rejects.h"
#include "land/schema_authority.h"
#include "land/upsert/upserts.h"

namespace millrace::land {

/// What the lanes of one sink share. Outlives them.
struct LaneContext {
  catalog::Catalog& catalog;
  SchemaAuthority& authority;
  Rejects& rejects;
  ByteBudget& budget;
  DataFileWriterOptions writer;  // file_prefix excepted
  MetadataColumns metadata_columns;
  std::vector<std::string> key;  // empty: every record is a row
  KeyIndex* keys = nullptr;      // with a key: the first row of each stays
  Upserts* upserts = nullptr;    // with a key: the last change of each stands
  /// Calls `body` when it is the turn of batch `sequence`: once a batch, in the order of batches.
  std::function<void(uint64_t sequence, const std::function<void()>& body)> in_turn;
  const Clock& clock;
  event::WaitBoard& board;
  std::stop_token stop;  // of waiting for the catalogue
};

/// Where the time of lanes went; stays empty while nothing is traced.
struct LaneTimes {
  BusyTime decode;
  BusyTime encode;  // to columns, and as files into the store
};

/// Decodes batches and encodes their rows: one thread's part of a table sink. Used by one thread at a time.
class Lane {
 public:
  Lane(const LaneContext& context, std::unique_ptr<event::Decoder> decoder, std::string file_prefix);

  /// Takes a batch all the way into the writer. `sequence` numbers the batches of the sink.
  void Process(uint64_t sequence, const event::EventBatch& events);
  /// Whether there is anything that Relieve could give back.
  bool holds_memory() const { return writer_ && writer_->buffered_bytes() > 0; }
  /// Gives memory back while others wait for it.
  void Relieve();
  /// Nothing comes for a while.
  void Rest();
  /// Closes the files and hands them over, together with what was counted since the last time.
  std::vector<table::DataFile> Finish();
  event::SinkCounts TakeCounts();
  LaneTimes TakeTimes();
  /// Deletes the files that were closed and not handed over.
  void Discard() noexcept;

  /// The columns the decoder knows; null when none.
  std::shared_ptr<arrow::Schema> decoder_columns() const { return decoder_->schema(); }
  int64_t encoded_bytes() const { return finished_bytes_ + (writer_ ? writer_->encoded_bytes() : 0); }

 private:
  event::Decoded DecodeFitting(const event::EventBatch& events);
  void Adopt(TableViewPtr view);
  void DropHeld(const event::EventBatch& events, event::Decoded& decoded);
  void DropDuplicates(uint64_t sequence, event::Decoded& decoded);
  Upserts::Keyed KeysOf(const std::shared_ptr<arrow::RecordBatch>& rows, const std::vector<uint32_t>& records,
                        std::vector<event::Reject>& rejects) const;
  /// The numbers of the rows that are left.
  std::vector<uint32_t> TakeInTurn(const event::EventBatch& events, event::Decoded& decoded);
  void WriteRows(const event::EventBatch& events, const event::Decoded& decoded, std::span<const uint32_t> numbers);
  void FinishWriter();

  const LaneContext& context_;
  std::unique_ptr<event::Decoder> decoder_;
  std::string file_prefix_;
  TableViewPtr view_;
  std::unique_ptr<DataFileWriter> writer_;
  int writers_ = 0;
  std::vector<table::DataFile> files_;
  int64_t finished_bytes_ = 0;
  event::SinkCounts counts_;
  LaneTimes times_;
};

}  // namespace millrace::land
