#include "source/mongodb/mongo_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "io/digest.h"

namespace millrace::source {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstDelay{200};
constexpr milliseconds kLongestDelay{30'000};

event::SplitId SplitOf(const MongoSourceOptions& options) {
  const auto form = options.form == BsonForm::kPlain ? "plain" : "extended";
  std::string chosen = options.cursor + "\n" + options.filter + "\n" + form;
  // Changes go on from documents that were read with them: those of another time do not do.
  if (options.changes == MongoChangesForm::kDocuments) chosen += "\nchanges";
  if (options.changes == MongoChangesForm::kEnvelope) chosen += "\nenvelope";
  const auto shape = io::Hex(io::Sha256(chosen)).substr(0, 16);
  return event::SplitId(fmt::format("mongodb:{}/{}.{}/{}", options.name, options.database, options.collection, shape));
}

}  // namespace

MongoSource::MongoSource(MongoSourceOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), clients_(options_.server), split_(SplitOf(options_)) {
  if (options_.filter.empty()) return;
  io::BsonDocument checked;
  ParseJson(checked, options_.filter, "filter");
}

MongoSource::~MongoSource() = default;

void MongoSource::LetGo() {
  readers_.reset();
  alone_.reset();
  if (changes_) changes_->LetGo();
}

void MongoSource::Seek(const event::Positions& positions) {
  LetGo();
  due_.reset();
  at_ = positions;
  ranges_ = RangesIn(event::CursorOf(at_, split_));
  divided_ = !ranges_.bounds.empty();
  if (!divided_) alone_ = ReaderOf(0);
  if (options_.changes == MongoChangesForm::kNone) return;
  const event::SplitId split(split_.value() + "/changes");
  changes_ = std::make_unique<MongoChanges>(options_, clients_, clock_, split, event::CursorOf(at_, split));
}

/// Nothing has been read.
void MongoSource::Divide() {
  ranges_ = {.round = FreshRound(at_, split_), .bounds = SampleBounds(clients_, options_)};
  divided_ = !ranges_.bounds.empty();
  alone_.reset();
}

std::unique_ptr<MongoSpanReader> MongoSource::ReaderOf(size_t range) {
  MongoSpan span{.split = split_, .at = {}, .from = {}, .before = {}, .ranges = {}};
  if (divided_) {
    if (range == 0) {
      span.ranges = ranges_;
    } else {
      span.split = RangeSplit(split_, ranges_.round, range);
      span.from = ranges_.bounds[range - 1];
    }
    span.before = ranges_.bounds[range];
  } else if (!ranges_.bounds.empty()) {
    span.from = ranges_.bounds.back();
  }
  span.at = event::CursorOf(at_, span.split);
  return std::make_unique<MongoSpanReader>(options_, clients_, clock_, std::move(span));
}

event::ReadResult MongoSource::HandOn(event::EventBatchPtr batch) {
  at_[batch->split] = batch->end;
  return {event::ReadState::kBatch, std::move(batch)};
}

event::ReadResult MongoSource::NextOfRanges(const event::ReadLimits& limits, const std::stop_token& stop) {
  if (event::CursorOf(at_, split_) == event::kStart) {
    if (!alone_) alone_ = ReaderOf(0);
    if (auto batch = alone_->Take(limits)) return HandOn(std::move(batch));
    // All that lay before the first bound is gone meanwhile: the bounds are not stored yet, and are sampled again.
    LetGo();
    divided_ = false;
    ranges_ = {};
    return {event::ReadState::kWaiting, nullptr};
  }
  if (!readers_) {
    std::vector<std::unique_ptr<MongoSpanReader>> readers;
    readers.push_back(alone_ ? std::move(alone_) : ReaderOf(0));
    for (size_t i = 1; i < ranges_.bounds.size(); ++i) readers.push_back(ReaderOf(i));
    readers_ = std::make_unique<MongoRangeReaders>(std::move(readers), limits);
  }
  auto taken = readers_->Next(limits.wait, stop);
  if (taken.batch) return HandOn(std::move(taken.batch));
  if (taken.ended) {
    LetGo();
    divided_ = false;
  }
  return {event::ReadState::kWaiting, nullptr};
}

event::ReadResult MongoSource::NextOfChanges(const event::ReadLimits& limits, const std::stop_token& stop) {
  if (!changes_->started()) return HandOn(changes_->Start());
  if (!changes_->documents_first()) return changes_->Take(limits, stop);
  auto read = NextOfDocuments(limits, stop);
  if (read.state != event::ReadState::kExhausted) return read;
  alone_.reset();
  return HandOn(changes_->EndDocuments());
}

event::ReadResult MongoSource::Next(const event::ReadLimits& limits, const std::stop_token& stop) {
  return changes_ ? NextOfChanges(limits, stop) : NextOfDocuments(limits, stop);
}

event::ReadResult MongoSource::NextOfDocuments(const event::ReadLimits& limits, const std::stop_token& stop) {
  const bool untouched = event::CursorOf(at_, split_) == event::kStart;
  if (untouched && options_.ranges > 1 && !divided_ && ranges_.bounds.empty()) Divide();
  if (divided_) return NextOfRanges(limits, stop);
  if (!alone_) alone_ = ReaderOf(0);
  if (auto batch = alone_->Take(limits)) return HandOn(std::move(batch));
  return {event::ReadState::kExhausted, nullptr};
}

event::ReadResult MongoSource::Read(const event::ReadLimits& limits, std::stop_token stop) {
  if (due_ && !WaitUntilDue(limits.wait, stop)) {
    return {trouble_.empty() ? event::ReadState::kIdle : event::ReadState::kWaiting, nullptr};
  }
  try {
    auto read = Next(limits, stop);
    failures_ = 0;
    trouble_.clear();
    if (read.state != event::ReadState::kExhausted) return read;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
    LetGo();
    trouble_ = error.what();
    const auto delay = std::min(kLongestDelay, kFirstDelay * (1 << std::min(failures_++, 8)));
    LogWarning("source {}: {}; trying again in {} ms", options_.name, trouble_, delay.count());
    due_ = clock_.Steady() + delay;
    return {event::ReadState::kWaiting, nullptr};
  }
  if (!options_.every) return {event::ReadState::kExhausted, nullptr};
  due_ = clock_.Steady() + *options_.every;
  return {event::ReadState::kIdle, nullptr};
}

bool MongoSource::WaitUntilDue(milliseconds wait, std::stop_token stop) {
  const auto left = *due_ - clock_.Steady();
  if (left > std::chrono::nanoseconds(0)) {
    clock_.SleepFor(std::min<std::chrono::nanoseconds>(left, wait), std::move(stop));
    if (clock_.Steady() < *due_) return false;
  }
  due_.reset();
  return true;
}

std::string MongoSource::WaitsFor() {
  return trouble_.empty() ? std::string() : fmt::format("the collection cannot be read ({}); trying again", trouble_);
}

}  // namespace millrace::source
