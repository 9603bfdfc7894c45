#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "event/decoder.h"
#include "event/sink.h"
#include "land/metadata_columns.h"
#include "land/rejects.h"
#include "land/schema_authority.h"
#include "land/upsert/upserts.h"

namespace millrace::land {

struct TableSinkOptions {
  TableDeclaration table;
  /// Whose positions these are: the pipeline's name.
  std::string scope;
  /// Makes the decoder of one lane. Its first schema, when it has one, is what the table is made with.
  std::function<std::unique_ptr<event::Decoder>()> decoder;
  int lanes = 0;  // 0: one a core

  /// Rows are visible this long after they came, at the latest.
  std::chrono::milliseconds freshness{10'000};
  /// The same for the first commit, where this is less: whoever starts a pipeline soon sees that it works.
  std::chrono::milliseconds first_freshness{10'000};
  /// A commit is due, freshness aside, when each lane has about this much encoded; files roll at this size.
  int64_t file_size_bytes = int64_t{256} << 20;

  MetadataColumns::Wanted metadata_columns{};
  /// Columns whose values make two records the same: the first one stays. Empty: every record is a row.
  std::vector<std::string> key = {};
  /// The last change of a key stands instead, and records may delete. Needs `key`.
  std::optional<UpsertOptions> upsert = std::nullopt;
  /// Where the key index lies, one folder a table; needed with `key`.
  std::filesystem::path key_index_folder = {};
  /// Records that the table's quarantine has already are left there, through whatever scope they came: for a replay.
  bool leaves_quarantined = false;
  /// Where records go that cannot become rows, in place of the table's quarantine.
  std::shared_ptr<Rejects> rejects = nullptr;
  /// Where rows of many partitions wait to be encoded, on local disk; empty: they do not.
  std::filesystem::path spill_folder = {};
};

/// Lands batches in one Iceberg table. Batches are spread over lanes (threads), each of which decodes and encodes by
/// itself; one commit gathers the files of all and moves the positions. What a commit holds does not depend on which
/// lane took what. Memory is the budget's: a batch is reserved until its rows are, rows until they are encoded.
///
/// A lane's failure surfaces as an exception of the next Write or Commit; after that, Recover starts over from what has
/// landed.
class TableSink final : public event::Sink {
 public:
  TableSink(catalog::Catalog& catalog, TableSinkOptions options, ByteBudget& budget,
            const Clock& clock = Clock::System());
  ~TableSink() override;
  TableSink(const TableSink&) = delete;
  TableSink& operator=(const TableSink&) = delete;

  event::Positions Recover() override;
  using event::Sink::Write;
  void Write(event::EventBatchPtr events, std::stop_token stop) override;
  bool CommitDue() const override;
  event::CommitOutcome Commit(std::stop_token stop) override;
  void Rest(std::stop_token stop) override;
  event::Positions positions() const override;
  event::SinkCounts counts() const override;
  event::Wait WaitsFor() const override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace::land
