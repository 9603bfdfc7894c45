#include "app/event_printer.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace millrace::app {
namespace {

void WriteBatch(const event::EventBatch& batch, std::FILE* out) {
  bool good = true;
  if (batch.newline_joined && !batch.records.empty()) {
    const auto begin = batch.records.front().begin;
    const auto end = batch.records.back().begin + batch.records.back().size;
    good =
        std::fwrite(batch.payload->data() + begin, 1, end - begin, out) == end - begin && std::fputc('\n', out) != EOF;
  } else {
    for (size_t i = 0; good && i < batch.size(); ++i) {
      const auto record = batch.record(i);
      good = std::fwrite(record.data(), 1, record.size(), out) == record.size() && std::fputc('\n', out) != EOF;
    }
  }
  if (good && std::fflush(out) == 0) return;
  throw Error(ErrorCode::kStop, fmt::format("the output cannot be written: {}", std::strerror(errno)));
}

}  // namespace

int64_t PrintEvents(event::Source& source, std::FILE* out, Progress& progress, std::optional<int64_t> expected,
                    std::stop_token stop) {
  int64_t count = 0;
  while (!stop.stop_requested()) {
    const auto read = source.Read({}, stop);
    if (read.state == event::ReadState::kExhausted) break;
    if (read.state != event::ReadState::kBatch) continue;
    WriteBatch(*read.batch, out);
    count += static_cast<int64_t>(read.batch->size());
    std::optional<double> share;
    if (expected && *expected > 0) share = static_cast<double>(count) / static_cast<double>(*expected);
    progress.Show(count, share);
  }
  return count;
}

}  // namespace millrace::app
