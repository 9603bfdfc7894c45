// The embedded stream against the disk it stands on. Usage: stream_bench [FOLDER] [EVENTS] [ROUNDS]
// [batches|singles]
// Prints lines "figure <name> <value> <unit>", medians over the rounds; every rate is of durable appends, or of records
// read and checked. What the disk itself can do is measured between them, since a rate of commits says little without
// it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/events.h"
#include "stream/embedded/embedded_stream.h"
#include "stream/embedded/sqlite.h"

namespace {

using millrace::event::EventBatch;
using millrace::stream::EmbeddedStream;

constexpr size_t kBatchEvents = 1'000;
constexpr size_t kEventBytes = 359;
constexpr int kThreads = 64;

/// What was measured, in the order of the first round; one thread measures.
class Figures {
 public:
  void Add(std::string_view name, double value, std::string_view unit) {
    const auto at = std::ranges::find(figures_, name, &Measured::name);
    auto& measured =
        at == figures_.end() ? figures_.emplace_back(Measured{std::string(name), std::string(unit), {}}) : *at;
    measured.values.push_back(value);
  }

  void PrintMedians() {
    for (auto& [name, unit, values] : figures_) {
      std::ranges::sort(values);
      fmt::print("figure {} {:.4g} {}\n", name, values[values.size() / 2], unit);
    }
  }

 private:
  struct Measured {
    std::string name, unit;
    std::vector<double> values;
  };
  std::vector<Measured> figures_;
};

Figures figures;

void Figure(std::string_view name, double value, std::string_view unit) { figures.Add(name, value, unit); }

double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double PeakMebibytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

/// Seconds that `body` takes; prints its CPU seconds per million of `events` too.
double Timed(const std::string& name, size_t events, const std::function<void()>& body) {
  const double cpu = CpuSeconds();
  const auto start = std::chrono::steady_clock::now();
  body();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Figure(name, static_cast<double>(events) / seconds, "events/s");
  Figure(name + ".cpu", (CpuSeconds() - cpu) / static_cast<double>(events) * 1e6, "CPU-s/M");
  return seconds;
}

/// Batches of `events` events each, the ones of the other benchmarks.
std::vector<std::shared_ptr<EventBatch>> MakeBatches(size_t batches, size_t events) {
  const std::string lines = millrace::bench::MakeEvents({.count = batches * events});
  std::vector<std::shared_ptr<EventBatch>> made;
  size_t at = 0;
  for (size_t i = 0; i < batches; ++i) {
    auto& batch = *made.emplace_back(std::make_shared<EventBatch>());
    const size_t begin = at;
    for (size_t event = 0; event < events; ++event) {
      const size_t newline = lines.find('\n', at);
      batch.records.push_back({static_cast<uint32_t>(at - begin), static_cast<uint32_t>(newline - at)});
      at = newline + 1;
    }
    batch.payload = millrace::PaddedBuffer::CopyOf(std::string_view(lines).substr(begin, at - begin));
    batch.newline_joined = true;
  }
  return made;
}

void AppendInParallel(EmbeddedStream& stream, const std::string& topic,
                      const std::vector<std::shared_ptr<EventBatch>>& batches, size_t appends, int threads) {
  std::vector<std::jthread> workers;
  for (int worker = 0; worker < threads; ++worker) {
    workers.emplace_back([&, worker] {
      for (size_t i = static_cast<size_t>(worker); i < appends; i += static_cast<size_t>(threads)) {
        stream.Append({topic, batches[i % batches.size()], {}, {}});
      }
    });
  }
}

/// How many times a second `sync` makes `bytes` appended to one file durable.
double SyncRate(const std::filesystem::path& path, size_t bytes, int (*sync)(int)) {
  const std::string event(bytes, 'x');
  const int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  constexpr int kTimes = 1'000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kTimes; ++i) {
    if (::write(fd, event.data(), event.size()) != static_cast<ssize_t>(event.size()) || sync(fd) != 0) std::exit(1);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  ::close(fd);
  std::filesystem::remove(path);
  return kTimes / seconds;
}

/// Returns the events appended a second.
double BenchBatches(EmbeddedStream& stream, const std::filesystem::path& folder, size_t events, int threads) {
  const auto batches = MakeBatches(64, kBatchEvents);
  const auto topic = fmt::format("batches{}", threads);
  stream.EnsureTopic({.name = topic, .partitions = threads});
  const double append_seconds = Timed(fmt::format("stream.append_batches.threads{}", threads), events, [&] {
    AppendInParallel(stream, topic, batches, events / kBatchEvents, threads);
  });

  auto reader = stream.OpenReader(topic, "");
  size_t read = 0, bytes = 0;
  Timed(fmt::format("stream.read_batches.threads{}", threads), events, [&] {
    for (;;) {
      const auto result = reader->Read({.wait = std::chrono::milliseconds(0)}, {});
      if (result.state != millrace::event::ReadState::kBatch) break;
      read += result.batch->size();
      bytes += result.batch->payload->size();
    }
  });
  int64_t stored = 0;
  const auto info = stream.FindTopic(topic).value();
  for (const auto& partition : info.partitions) stored += partition.bytes;
  Figure("stream.stored_ratio", static_cast<double>(bytes) / static_cast<double>(stored), "x");
  const auto appends = static_cast<double>(events / kBatchEvents);
  const double syncs =
      SyncRate(folder / "batch.bin", static_cast<size_t>(static_cast<double>(stored) / appends), ::fdatasync);
  Figure("disk.append_stored_batch_fdatasync", syncs, "syncs/s");
  Figure(fmt::format("stream.append_batches.threads{}_to_fdatasync", threads), appends / append_seconds / syncs, "x");
  if (read != events / kBatchEvents * kBatchEvents) {
    fmt::print(stderr, "read {} of {} events\n", read, events);
    std::exit(1);
  }
  return static_cast<double>(events) / append_seconds;
}

/// The limit of one SQLite file and one writer: rows of `bytes` as they are, each made durable by its own commit.
double BareRows(const std::filesystem::path& path, std::string_view bytes, size_t rows) {
  constexpr int kLogFramesMax = 512;  // of 64 KiB: 32 MiB, as the stream copies its own
  millrace::stream::Connection connection(path, "");
  connection.Execute("PRAGMA page_size=65536; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL");
  connection.Execute("CREATE TABLE bare(place INTEGER PRIMARY KEY, payload BLOB NOT NULL)");
  auto insert = connection.Prepare("INSERT INTO bare VALUES(?, ?)");
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < rows; ++i) {
    insert.Bind(0, static_cast<int64_t>(i)).BindBlob(1, bytes).Run();
    if (connection.wal_frames() >= kLogFramesMax) connection.Checkpoint(false);
  }
  return static_cast<double>(rows) / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void BenchBareSqlite(const std::filesystem::path& folder, double append_rate) {
  const auto batch = MakeBatches(1, kBatchEvents).front();
  const std::string_view payload(batch->payload->data(), batch->payload->size());
  const double events = BareRows(folder / "bare.db", payload, 500) * kBatchEvents;
  Figure("sqlite.append_batches", events, "events/s");
  Figure("stream.append_batches.threads1_to_sqlite", append_rate / events, "x");
}

void BenchSingles(EmbeddedStream& stream, const std::filesystem::path& folder) {
  const double fsync_rate = SyncRate(folder / "fsync.bin", kEventBytes, ::fsync);
  const double fdatasync_rate = SyncRate(folder / "fdatasync.bin", kEventBytes, ::fdatasync);
  Figure("disk.append_fsync", fsync_rate, "syncs/s");
  Figure("disk.append_fdatasync", fdatasync_rate, "syncs/s");
  const auto singles = MakeBatches(1'024, 1);
  stream.EnsureTopic({.name = "singles", .partitions = 1});
  constexpr size_t kOne = 2'000;
  Timed("stream.append_single.threads1", kOne, [&] { AppendInParallel(stream, "singles", singles, kOne, 1); });
  constexpr size_t kMany = 400'000;
  const double seconds = Timed("stream.append_single.threads64", kMany,
                               [&] { AppendInParallel(stream, "singles", singles, kMany, kThreads); });
  Figure("stream.append_single.threads64_to_fsync", kMany / seconds / fsync_rate, "x");
  Figure("stream.append_single.threads64_to_fdatasync", kMany / seconds / fdatasync_rate, "x");
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path parent = argc > 1 ? argv[1] : std::filesystem::temp_directory_path();
  const size_t events = argc > 2 ? static_cast<size_t>(std::atoll(argv[2])) : 3'000'000;
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 1;
  const std::string part = argc > 4 ? argv[4] : "";
  const auto folder = parent / fmt::format("stream_bench_{}", ::getpid());
  for (int round = 0; round < rounds; ++round) {
    std::filesystem::create_directories(folder);
    {
      EmbeddedStream stream({.path = folder / "stream.db"});
      if (part != "singles") {
        BenchBareSqlite(folder, BenchBatches(stream, folder, events, 1));
        BenchBatches(stream, folder, events, 2);
      }
      if (part != "batches") BenchSingles(stream, folder);
      Figure("stream.peak_rss", PeakMebibytes(), "MiB");
    }
    std::filesystem::remove_all(folder);
  }
  figures.PrintMedians();
}
