// JSON lines to a silver Iceberg table, beside the hand-written pilot, DuckDB and Arrow's reader, all taking turns in
// one run. Usage: land_bench [EVENTS] [ROUNDS] [LANES] [FOLDER]. With one lane run it under `taskset -c 0`. Prints
// lines "figure <name> <value> <unit>"; rates are medians over the rounds.
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/writer.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bench/events.h"
#include "bench/pilot.h"
#include "catalog/sql/sql_catalog.h"
#include "decode/json_decoder.h"
#include "event/stream.h"
#include "io/local_object_store.h"
#include "land/table_sink.h"
#include "schema/schema.h"

namespace {

using millrace::event::EventBatch;

constexpr size_t kBatchBytes = size_t{4} << 20;  // what sources read at a time

struct Setting {
  size_t events = 1'000'000;
  int rounds = 3;
  int lanes = 2;
  std::filesystem::path folder;
  std::string lines;
};

struct Timing {
  std::vector<double> seconds = {};
  double cpu = 0;
  int64_t bytes = 0;
};

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The body returns the bytes it wrote.
void Time(Timing& timing, const std::function<int64_t()>& body) {
  const double cpu_before = CpuSeconds();
  const auto start = std::chrono::steady_clock::now();
  timing.bytes = body();
  timing.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  timing.cpu += CpuSeconds() - cpu_before;
}

/// Dictionaries where few values repeat, deltas for times, binary UUIDs neither compressed nor in a dictionary: chosen
/// by hand for these events.
std::shared_ptr<parquet::WriterProperties> PilotProperties() {
  parquet::WriterProperties::Builder builder;
  builder.compression(parquet::Compression::ZSTD);
  builder.compression_level(1);
  builder.max_row_group_length(1 << 20);
  for (const char* column : {"event_id", "user_id", "ts", "price", "url", "qty"}) builder.disable_dictionary(column);
  builder.encoding("ts", parquet::Encoding::DELTA_BINARY_PACKED);
  for (const char* column : {"event_id", "session_id"}) {
    builder.compression(column, parquet::Compression::UNCOMPRESSED);
    builder.codec_options(column, std::make_shared<arrow::util::CodecOptions>());
  }
  builder.disable_statistics("event_id");
  return builder.build();
}

int64_t PilotPart(std::string_view lines, const std::string& path) {
  const auto out = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  std::unique_ptr<parquet::arrow::FileWriter> writer;
  millrace::bench::RunPilot(lines, {.batch_rows = 64 * 1024, .uuid_bytes = true}, [&](const auto& batch) {
    if (!writer) {
      writer = parquet::arrow::FileWriter::Open(*batch->schema(), arrow::default_memory_pool(), out, PilotProperties())
                   .ValueOrDie();
    }
    if (!writer->WriteRecordBatch(*batch).ok()) std::abort();
  });
  if (!writer->Close().ok()) std::abort();
  return out->Tell().ValueOrDie();
}

int64_t RunPilots(const Setting& setting) {
  std::vector<std::string_view> parts;
  const std::string_view all = setting.lines;
  size_t begin = 0;
  for (int i = 1; i <= setting.lanes; ++i) {
    const size_t end =
        all.rfind('\n', all.size() * static_cast<size_t>(i) / static_cast<size_t>(setting.lanes) - 1) + 1;
    parts.push_back(all.substr(begin, end - begin));
    begin = end;
  }
  std::vector<int64_t> bytes(parts.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < parts.size(); ++i) {
    threads.emplace_back(
        [&, i] { bytes[i] = PilotPart(parts[i], setting.folder / fmt::format("pilot-{}.parquet", i)); });
  }
  for (auto& thread : threads) thread.join();
  int64_t total = 0;
  for (const int64_t part : bytes) total += part;
  return total;
}

std::shared_ptr<arrow::Schema> DeclaredColumns() {
  millrace::schema::Schema declared;
  for (const char* name : {"event_id", "session_id"}) {
    declared.fields.push_back({.name = name, .type = millrace::schema::ParseType("uuid")});
  }
  return millrace::schema::ToArrow(declared);
}

/// The events as a source hands them on: copied, and cut into records.
class Feed {
 public:
  explicit Feed(std::string_view lines) : lines_(lines) {}

  millrace::event::EventBatchPtr Next() {
    if (at_ == lines_.size()) return nullptr;
    size_t end = std::min(at_ + kBatchBytes, lines_.size());
    end = lines_.rfind('\n', end - 1) + 1;
    auto batch = std::make_shared<EventBatch>();
    batch->payload = millrace::PaddedBuffer::CopyOf(lines_.substr(at_, end - at_));
    batch->newline_joined = true;
    batch->split = millrace::event::SplitId("bench");
    batch->base_offset = record_;
    batch->begin = millrace::event::OffsetCursor(record_);
    batch->records.reserve(batch->payload->size() / 256);
    const std::string_view text = batch->payload->view();
    for (size_t begin = 0; begin < text.size();) {
      const size_t newline = text.find('\n', begin);
      batch->records.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(newline - begin)});
      begin = newline + 1;
    }
    record_ += static_cast<int64_t>(batch->size());
    batch->end = millrace::event::OffsetCursor(record_);
    at_ = end;
    return batch;
  }

 private:
  std::string_view lines_;
  size_t at_ = 0;
  int64_t record_ = 0;
};

int64_t RunMillrace(const Setting& setting, const std::vector<std::string>& partition_by, int64_t budget_bytes) {
  const auto folder = setting.folder / "lake";
  std::filesystem::remove_all(folder);
  const auto store = millrace::io::LocalObjectStore::Open(folder);
  millrace::catalog::SqlCatalog catalog({.file = folder / "catalog.db"}, *store);
  millrace::ByteBudget budget(budget_bytes);
  millrace::land::TableSinkOptions options;
  options.table.name = {"silver", "events"};
  options.table.partition_by = partition_by;
  options.scope = "bench";
  options.decoder = [] {
    return std::make_unique<millrace::decode::JsonDecoder>(
        millrace::decode::JsonDecoderOptions{.columns = DeclaredColumns()});
  };
  options.lanes = setting.lanes;
  options.freshness = std::chrono::hours(1);
  millrace::land::TableSink sink(catalog, std::move(options), budget);
  sink.Recover();
  Feed feed(setting.lines);
  while (auto batch = feed.Next()) sink.Write(std::move(batch));
  if (sink.Commit({}) != millrace::event::CommitOutcome::kCommitted) std::abort();
  const auto counts = sink.counts();
  if (counts.rows != setting.events || counts.rescued_values != 0) std::abort();
  return static_cast<int64_t>(counts.bytes);
}

void RunPeer(const Setting& setting, const std::string& peer, Timing& timing) {
  const std::string command = fmt::format("{}/venv/bin/python {}/bench/land_peers.py {} {} {} {}", MILLRACE_DEPS_DIR,
                                          MILLRACE_SOURCE_DIR, peer, (setting.folder / "events.ndjson").string(),
                                          (setting.folder / (peer + ".parquet")).string(), setting.lanes);
  FILE* const pipe = ::popen(command.c_str(), "r");
  double seconds = 0;
  double cpu = 0;
  long long bytes = 0;
  if (pipe == nullptr || std::fscanf(pipe, "%lf %lf %lld", &seconds, &cpu, &bytes) != 3) std::abort();
  ::pclose(pipe);
  timing.seconds.push_back(seconds);
  timing.cpu += cpu;
  timing.bytes = bytes;
}

double Median(Timing& timing) {
  std::sort(timing.seconds.begin(), timing.seconds.end());
  return timing.seconds[timing.seconds.size() / 2];
}

void Print(const std::string& name, const Setting& setting, Timing& timing) {
  const auto millions = static_cast<double>(setting.events) / 1e6;
  fmt::print("figure land.{} {:.3f} M events/s\n", name, millions / Median(timing));
  fmt::print("figure land.{}.cpu {:.3f} CPU-s/M\n", name, timing.cpu / setting.rounds / millions);
  fmt::print("figure land.{}.size {:.1f} MB\n", name, static_cast<double>(timing.bytes) / 1e6);
  std::fflush(stdout);
}

void Compare(const Setting& setting) {
  Timing pilot, ours, duckdb, arrow;
  for (int round = 0; round < setting.rounds; ++round) {
    Time(pilot, [&] { return RunPilots(setting); });
    Time(ours, [&] { return RunMillrace(setting, {}, int64_t{1} << 30); });
    RunPeer(setting, "duckdb", duckdb);
    RunPeer(setting, "arrow", arrow);
  }
  Print("pilot", setting, pilot);
  Print("millrace", setting, ours);
  Print("duckdb", setting, duckdb);
  Print("arrow", setting, arrow);
  const std::pair<const char*, Timing*> others[] = {{"pilot", &pilot}, {"duckdb", &duckdb}, {"arrow", &arrow}};
  for (const auto& [name, other] : others) {
    fmt::print("figure land.ratio.{} {:.3f} of its rate, {:.3f} by CPU time\n", name, Median(*other) / Median(ours),
               other->cpu / ours.cpu);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Setting setting;
  if (argc > 1) setting.events = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) setting.rounds = std::atoi(argv[2]);
  if (argc > 3) setting.lanes = std::atoi(argv[3]);
  setting.folder = argc > 4 ? argv[4] : std::filesystem::temp_directory_path() / "millrace-land-bench";
  std::filesystem::create_directories(setting.folder);
  setting.lines = millrace::bench::MakeEvents({.count = setting.events});
  std::ofstream(setting.folder / "events.ndjson", std::ios::binary)
      .write(setting.lines.data(), static_cast<std::streamsize>(setting.lines.size()));
  Compare(setting);
  return 0;
}
