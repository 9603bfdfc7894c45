// JSON to Arrow on one core, beside the hand-written pilot in the same run. Usage: decode_bench [EVENTS] [ROUNDS]
// [CASE] Prints lines "figure <name> <value> <unit>"; rates are medians over the rounds, the two programs taking turns.
#include <arrow/api.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "bench/events.h"
#include "bench/pilot.h"
#include "decode/json_decoder.h"

namespace {

using millrace::bench::EventsOptions;
using millrace::bench::MakeEvents;
using millrace::decode::JsonDecoder;
using millrace::decode::JsonDecoderOptions;
using millrace::event::EventBatch;

constexpr size_t kBatchBytes = size_t{4} << 20;  // what sources read at a time

void Figure(std::string_view name, double value, std::string_view unit) {
  fmt::print("figure {} {:.4g} {}\n", name, value, unit);
  std::fflush(stdout);
}

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

/// The events as a source hands them on; the spans are made anew each time, since the pilot finds its lines too.
class Feed {
 public:
  explicit Feed(const std::string& lines) {
    for (size_t begin = 0; begin < lines.size();) {
      size_t end = std::min(begin + kBatchBytes, lines.size());
      end = lines.rfind('\n', end - 1) + 1;
      payloads_.push_back(millrace::PaddedBuffer::CopyOf(std::string_view(lines).substr(begin, end - begin)));
      begin = end;
    }
  }

  int64_t Decode(JsonDecoder& decoder, bool joined) const {
    int64_t rows = 0;
    for (const auto& payload : payloads_) {
      EventBatch batch;
      batch.payload = payload;
      batch.newline_joined = joined;
      batch.records.reserve(payload->size() / 256);
      const char* const base = payload->data();
      for (size_t at = 0; at < payload->size();) {
        const auto* newline = static_cast<const char*>(std::memchr(base + at, '\n', payload->size() - at));
        const auto end = static_cast<size_t>(newline - base);
        batch.records.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(end - at)});
        at = end + 1;
      }
      const auto decoded = decoder.Decode(batch);
      if (!decoded.rejects.empty() || decoded.rescued_values != 0) std::abort();
      rows += decoded.rows->num_rows();
    }
    return rows;
  }

 private:
  std::vector<std::shared_ptr<const millrace::PaddedBuffer>> payloads_;
};

struct Timing {
  std::vector<double> seconds;
  double cpu = 0;

  void Run(size_t events, const std::function<int64_t()>& body) {
    const double cpu_before = CpuSeconds();
    const auto start = std::chrono::steady_clock::now();
    if (body() != static_cast<int64_t>(events)) std::abort();
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    cpu += CpuSeconds() - cpu_before;
  }
  double Median() {
    std::sort(seconds.begin(), seconds.end());
    return seconds[seconds.size() / 2];
  }
  void Print(const std::string& name, size_t events, int rounds) {
    Figure(name, static_cast<double>(events) / Median() / 1e6, "M events/s");
    Figure(name + ".cpu", cpu / rounds / static_cast<double>(events) * 1e6, "CPU-s/M");
  }
};

/// Qty starts as a declared 32-bit integer, so that drift has something to widen.
JsonDecoderOptions WithQty() {
  return {.contract = {.types = millrace::schema::ContractMode::kEvolve},
          .columns = arrow::schema({arrow::field("qty", arrow::int32())})};
}

struct Case {
  std::string name;
  EventsOptions events;
  bool joined = true;
  bool declares_qty = false;
};

void RunCase(const Case& test, int rounds) {
  const std::string lines = MakeEvents(test.events);
  const Feed feed(lines);
  auto pilot_events = test.events;
  pilot_events.drift_from = SIZE_MAX;
  const std::string pilot_lines = MakeEvents(pilot_events);
  Timing pilot, ours;
  for (int round = 0; round < rounds; ++round) {
    pilot.Run(test.events.count, [&] {
      int64_t rows = 0;
      millrace::bench::RunPilot(pilot_lines, {}, [&](const auto& batch) { rows += batch->num_rows(); });
      return rows;
    });
    ours.Run(test.events.count, [&] {
      JsonDecoder decoder(test.declares_qty ? WithQty() : JsonDecoderOptions{});
      return feed.Decode(decoder, test.joined);
    });
  }
  const std::string name = "decode." + test.name;
  pilot.Print(name + ".pilot", test.events.count, rounds);
  ours.Print(name, test.events.count, rounds);
  Figure(name + ".ratio", pilot.Median() / ours.Median(), "of the pilot");
  Figure(name + ".cpu_ratio", pilot.cpu / ours.cpu, "of the pilot");
}

void RunGrowth(size_t most, int rounds) {
  for (const size_t events : {most / 100, most / 10, most}) {
    const Feed feed(MakeEvents({.count = events}));
    Timing ours;
    for (int round = 0; round < rounds; ++round) {
      ours.Run(events, [&] {
        JsonDecoder decoder({});
        return feed.Decode(decoder, true);
      });
    }
    Figure(fmt::format("decode.growth.{}", events), ours.Median() / static_cast<double>(events) * 1e9, "ns/event");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const size_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  const std::string_view only = argc > 3 ? argv[3] : "";
  if (only.empty() || only == "growth") {
    RunGrowth(events, rounds);
    Figure("decode.columns_peak", static_cast<double>(arrow::default_memory_pool()->max_memory()) / 1048576, "MiB");
    Figure("decode.process_peak", PeakMebibytes(), "MiB, two copies of the input among them");
  }
  for (const Case& test : std::vector<Case>{
           {.name = "inferred", .events = {.count = events}},
           {.name = "record_by_record", .events = {.count = events}, .joined = false},
           {.name = "shuffled", .events = {.count = events, .shuffled = true}},
           {.name = "drifting", .events = {.count = events, .drift_from = events / 2}, .declares_qty = true}}) {
    if (only.empty() || only == test.name) RunCase(test, rounds);
  }
  return 0;
}
