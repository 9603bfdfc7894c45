#include "source/generator/generator_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "event/stream.h"
#include "source/generator/text_writer.h"

namespace millrace::source {
namespace {

using std::chrono::milliseconds;

/// Event time runs one millisecond a row, with a jitter of two.
constexpr uint64_t kJitterMillis = 3;
constexpr uint64_t kRepeatWithinRows = 1000;
constexpr uint64_t kFateSeed = 0xFA7E;
constexpr size_t kUsualRowBytes = 512;

std::string_view NameOf(GeneratorKind kind) {
  switch (kind) {
    case GeneratorKind::kUsers:
      return "users";
    case GeneratorKind::kCards:
      return "cards";
    case GeneratorKind::kClicks:
      return "clicks";
    case GeneratorKind::kEvents:
      return "events";
  }
  return "users";
}

std::unique_ptr<RowWriter> WriterOf(GeneratorKind kind, uint64_t seed) {
  switch (kind) {
    case GeneratorKind::kUsers:
      return MakeUserWriter(seed);
    case GeneratorKind::kCards:
      return MakeCardWriter(seed);
    case GeneratorKind::kClicks:
      return MakeClickWriter(seed);
    case GeneratorKind::kEvents:
      return MakeEventWriter(seed);
  }
  return MakeUserWriter(seed);
}

void Check(const GeneratorOptions& options) {
  const auto share = [](std::string_view name, double value) {
    if (value >= 0 && value <= 1) return;
    throw Error(ErrorCode::kConfig, fmt::format("{} is {}: give a share from 0 to 100%", name, value));
  };
  share("duplicates", options.duplicates);
  share("late", options.late);
  share("malformed", options.malformed);
  share("duplicates, late and malformed together", options.duplicates + options.late + options.malformed);
  if (options.rate && !(*options.rate > 0)) {
    throw Error(ErrorCode::kConfig, fmt::format("rate is {}: give rows a second, more than 0", *options.rate));
  }
  if (options.rows && *options.rows < 0) {
    throw Error(ErrorCode::kConfig, fmt::format("rows is {}: give 0 or more", *options.rows));
  }
}

/// What happens to a row on its way.
enum class Fate { kPlain, kDuplicate, kLate, kMalformed };

/// Draws the fates of rows and writes them accordingly.
class FateWriter final : public RowWriter {
 public:
  FateWriter(const GeneratorOptions& options, std::unique_ptr<RowWriter> rows)
      : options_(options),
        any_(options.duplicates > 0 || options.late > 0 || options.malformed > 0),
        rows_(std::move(rows)) {}

  char* Write(const Row& row, char* to) override {
    if (!any_) return rows_->Write(OnTime(row.number), to);
    Random random = RandomOfRow(options_.seed ^ kFateSeed, row.number);
    switch (FateOf(random)) {
      case Fate::kPlain:
        return rows_->Write(OnTime(row.number), to);
      case Fate::kDuplicate:
        return rows_->Write(OnTime(EarlierPlain(row.number, random)), to);
      case Fate::kLate: {
        Row late = OnTime(row.number);
        late.time -= milliseconds(3'600'000 + static_cast<int64_t>(random.Below(47 * 3'600'000)));
        return rows_->Write(late, to);
      }
      case Fate::kMalformed: {
        const char* end = rows_->Write(OnTime(row.number), to);
        return to + 1 + random.Below(static_cast<uint64_t>(end - to - 1));
      }
    }
    return to;
  }

 private:
  Row OnTime(uint64_t number) const {
    const uint64_t jitter = RandomOfRow(options_.seed ^ ~kFateSeed, number).Below(kJitterMillis);
    return {number, options_.start + milliseconds(static_cast<int64_t>(number + jitter))};
  }

  Fate FateOf(Random& random) const {
    const double draw = random.Unit();
    if (draw < options_.duplicates) return Fate::kDuplicate;
    if (draw < options_.duplicates + options_.late) return Fate::kLate;
    return draw < options_.duplicates + options_.late + options_.malformed ? Fate::kMalformed : Fate::kPlain;
  }

  /// A row not long ago that was written plainly; `number` itself when there is none.
  uint64_t EarlierPlain(uint64_t number, Random& random) const {
    if (number == 0) return number;
    const uint64_t back = 1 + random.Below(std::min(number, kRepeatWithinRows));
    for (uint64_t row = number - back + 1; row-- > 0;) {
      Random fate = RandomOfRow(options_.seed ^ kFateSeed, row);
      if (FateOf(fate) == Fate::kPlain) return row;
    }
    return number;
  }

  const GeneratorOptions& options_;
  bool any_;
  std::unique_ptr<RowWriter> rows_;
};

}  // namespace

GeneratorSource::GeneratorSource(GeneratorOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), began_(clock.Steady()) {
  Check(options_);
  split_ = event::SplitId(fmt::format("generator:{}/seed={},duplicates={},late={},malformed={},start={}",
                                      NameOf(options_.kind), options_.seed, options_.duplicates, options_.late,
                                      options_.malformed, options_.start.time_since_epoch().count()));
  writer_ = std::make_unique<FateWriter>(options_, WriterOf(options_.kind, options_.seed));
}

GeneratorSource::~GeneratorSource() = default;

void GeneratorSource::Seek(const event::Positions& positions) {
  next_row_ = event::OffsetOf(CursorOf(positions, split_));
  first_row_ = next_row_;
  began_ = clock_.Steady();
}

int64_t GeneratorSource::Allowed() const {
  const int64_t left = options_.rows ? std::max<int64_t>(*options_.rows - next_row_, 0) : INT64_MAX - next_row_;
  if (!options_.rate) return left;
  const double seconds = std::chrono::duration<double>(clock_.Steady() - began_).count();
  const double due = std::floor(seconds * *options_.rate) + 1 - static_cast<double>(next_row_ - first_row_);
  return due < static_cast<double>(left) ? std::max<int64_t>(static_cast<int64_t>(due), 0) : left;
}

event::ReadResult GeneratorSource::Read(const event::ReadLimits& limits, std::stop_token stop) {
  if (options_.rows && next_row_ >= *options_.rows) return {event::ReadState::kExhausted, nullptr};
  if (Allowed() == 0) {
    const std::chrono::duration<double> until_next(1.0 / *options_.rate);
    clock_.SleepFor(std::min<std::chrono::nanoseconds>(std::chrono::duration_cast<std::chrono::nanoseconds>(until_next),
                                                       limits.wait),
                    stop);
  }
  const int64_t rows = Allowed();
  if (rows == 0) return {event::ReadState::kIdle, nullptr};
  return {event::ReadState::kBatch, MakeBatch(rows, limits.bytes_max)};
}

event::EventBatchPtr GeneratorSource::MakeBatch(int64_t rows_max, size_t bytes_max) {
  const size_t wanted = std::min<uint64_t>(bytes_max, static_cast<uint64_t>(rows_max) * RowWriter::kRowBytesMax);
  const auto payload = PaddedBuffer::Allocate(wanted + RowWriter::kRowBytesMax);
  auto batch = std::make_shared<event::EventBatch>();
  batch->records.reserve(std::min<uint64_t>(static_cast<uint64_t>(rows_max), wanted / kUsualRowBytes * 2 + 16));
  batch->begin = event::OffsetCursor(next_row_);
  batch->base_offset = next_row_;
  char* const base = payload->data();
  char* at = base;
  for (int64_t rows = 0; rows < rows_max && static_cast<size_t>(at - base) < bytes_max; ++rows, ++next_row_) {
    if (static_cast<size_t>(at - base) >= wanted) break;
    char* const end = writer_->Write({static_cast<uint64_t>(next_row_), {}}, at);
    batch->records.push_back({static_cast<uint32_t>(at - base), static_cast<uint32_t>(end - at)});
    *end = '\n';
    at = end + 1;
  }
  payload->Resize(static_cast<size_t>(at - base));
  batch->payload = payload;
  batch->newline_joined = true;
  batch->end = event::OffsetCursor(next_row_);
  batch->split = split_;
  batch->topic = options_.name;
  batch->ingested_at = clock_.Now();
  return batch;
}

event::Lag GeneratorSource::lag() {
  return {.records = options_.rows ? std::max<int64_t>(*options_.rows - next_row_, 0) : -1, .bytes = -1, .oldest = {}};
}

}  // namespace millrace::source
