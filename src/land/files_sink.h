#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/byte_budget.h"
#include "base/clock.h"
#include "event/sink.h"
#include "io/object_store.h"
#include "land/files_chunk.h"
#include "land/files_plan.h"
#include "land/files_schemas.h"
#include "land/rejects.h"

namespace millrace::land {

struct FilesSinkOptions {
  std::string pipeline;  // whose plans these are
  FilesEncoding encoding;
  /// A commit is due when this much is buffered, before packing, or for this long.
  int64_t buffer_bytes = int64_t{128} << 20;
  std::chrono::milliseconds buffer_time{60'000};
  /// Called before the objects of a planned chunk are created, again for a chunk that a crash left unfinished, and
  /// again while it throws kUnavailable: whoever lists folders by a catalogue sees an object as soon as it is there.
  std::function<void(const FilesPlan&)> before_objects = nullptr;
  /// Makes columns of records, for Parquet and Avro.
  std::function<std::unique_ptr<event::Decoder>()> decoder = nullptr;
};

/// Lands records in plain objects, as JSON lines or as columns, exactly once by the plan protocol: a chunk's plan is
/// created before its first object, under a key that its start names, so that of two workers at one place one loses;
/// objects are created, never overwritten, under keys that the start and a number name; the chain of plans is the
/// position. A crash is mended by making exactly the planned objects again from the same records. Readers that list see
/// a chunk appear file by file.
///
/// Chunks are encoded in memory, packed, and held until they are all out: Force is used on the budget, and a commit is
/// due when it is under pressure. Borrows store, budget, rejects and clock. Without `rejects` a record that is no JSON
/// is an Error kData. One thread drives it. Columns have a chain of versions beside the plans (FilesSchemas).
class FilesSink final : public event::Sink {
 public:
  FilesSink(io::ObjectStore& store, FilesSinkOptions options, ByteBudget& budget, Rejects* rejects,
            const Clock& clock = Clock::System());

  event::Positions Recover() override;
  using event::Sink::Write;
  void Write(event::EventBatchPtr events, std::stop_token stop) override;
  bool CommitDue() const override;
  event::CommitOutcome Commit(std::stop_token stop) override;
  event::Positions positions() const override;
  event::SinkCounts counts() const override { return counts_; }
  event::Wait WaitsFor() const override;

 private:
  struct Buffer {
    std::unique_ptr<FilesChunk> chunk;
    event::SinkCounts counts;
    int64_t held_bytes = 0;
    Reservation reservation;
  };
  struct Sealed {
    SealedChunk chunk;
    event::SinkCounts counts;
    Reservation reservation;
    bool planned = false;
  };
  struct Split {
    event::Cursor landed;             // durable and visible up to here
    event::Cursor chained;            // the end of the last sealed chunk: where the next one begins
    event::Cursor written;            // the end of the last batch
    int64_t last_offset = -1;         // of the last record written, or landed before
    std::optional<FilesPlan> replay;  // a plan that a crash left unfinished: its records are awaited
    size_t object_bytes = 0;          // the largest object of the last chunk
    Buffer buffer;
    std::deque<Sealed> sealed;
  };

  void Adopt(const std::string& key);
  void KeepGap(const event::EventBatch& events);
  /// `planned`: the plan that these records are of, else null.
  std::unique_ptr<FilesChunk> MakeChunk(const Split& split, const FilesPlan* planned);
  void Buffered(Split& split, const FilesPlan* planned, const event::EventBatch& events, size_t first, size_t last,
                std::stop_token stop);
  void Took(Buffer& buffer, const event::EventBatch& events, const FilesChunk::Added& added);
  void Settle(Buffer& buffer, bool all, std::stop_token stop);
  size_t Replay(Split& split, const event::EventBatch& events, std::stop_token stop);
  void Seal(Split& split, event::Cursor end, std::stop_token stop);
  int64_t committable_bytes() const;
  bool FullFilesDue(std::chrono::milliseconds waited) const;

  /// False: another worker has planned what follows our start.
  bool OwnsStarts(std::stop_token stop);
  bool PutPlan(Sealed& sealed, std::stop_token stop);
  void PutObjects(const SealedChunk& chunk, std::stop_token stop);
  void PutObject(const PlannedObject& object, const std::string& content, std::stop_token stop);
  /// False: another worker has quarantined records of these chunks.
  bool CommitRejects(std::stop_token stop);
  event::CommitOutcome GiveWay();
  void ShowBuffered();
  /// Runs `body` again while the store is unavailable, until stopped.
  template <typename Body>
  auto Insist(std::stop_token stop, Body&& body);

  io::ObjectStore& store_;
  const FilesSinkOptions options_;
  ByteBudget& budget_;
  Rejects* const rejects_;
  const Clock& clock_;
  const std::string folder_;
  FilesSchemas schemas_;
  std::map<event::SplitId, Split> splits_;
  std::optional<SteadyTime> buffered_since_;
  event::SinkCounts counts_;
  event::WaitBoard board_;
};

}  // namespace millrace::land
