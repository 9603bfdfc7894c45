#include "query/sandbox/sandbox.h"

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <exception>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "query/arrow_status.h"
#include "query/sandbox/channel.h"
#include "query/sandbox/lake_guard.h"
#include "query/sandbox/open_broker.h"
#include "query/sandbox/remote_lake.h"
#include "query/sandbox/start_text.h"
#include "query/sandbox/worker_process.h"

namespace millrace::query {
namespace {

/// Of what a worker sends: a question with a thousand files, or a piece of the result.
constexpr size_t kFrameBytesMax = size_t{32} << 20;
constexpr int kLookEveryMs = 100;

std::string HowItEnded(const std::optional<int>& status, const SandboxLimits& limits) {
  if (status && WIFSIGNALED(*status)) {
    const int signal = WTERMSIG(*status);
    if (signal == SIGXCPU) {
      return fmt::format("the statement used more CPU time than {} allow; raise `query.timeout`",
                         FormatDuration(limits.time_max));
    }
    if (signal == SIGKILL) {
      return "the process that ran the statement was killed: the system was out of memory, or somebody ended it; "
             "lower `query.memory`, or try again";
    }
    return fmt::format(
        "the process that ran the statement died of signal {}; most often it needs more than the {} MiB of "
        "`query.memory`",
        signal, limits.memory_bytes >> 20);
  }
  return "the process that ran the statement ended before it had answered; try again";
}

/// A worker and its statement, from this side: answers what it asks while it waits for what comes.
class Conversation {
 public:
  Conversation(catalog::Catalog& catalog, DataFiles& files, const SandboxLimits& limits, std::stop_token stop)
      : limits_(limits),
        stop_(std::move(stop)),
        deadline_(Clock::System().Steady() + limits.time_max),
        channel_(worker_.TakeSocket(), kFrameBytesMax),
        guard_(catalog, files, [this](std::string path) { broker_->Allow(std::move(path)); }) {}

  void Start(const StartText& start) {
    channel_.Send(FrameKind::kStart, PrintStart(start));
    Expect(FrameKind::kConfined);
    auto listener = channel_.TakeDescriptor();
    if (!listener.is_open()) throw Error(ErrorCode::kInternal, "the worker sent no descriptor");
    broker_.emplace(worker_.id(), std::move(listener));
  }

  std::string Expect(FrameKind kind) {
    auto frame = Wait();
    if (frame.kind != kind) throw Error(ErrorCode::kInternal, "the worker answered out of turn");
    return std::move(frame.body);
  }

  /// The next frame that is no question. Throws what the worker says went wrong.
  Frame Wait() {
    while (true) {
      CheckLimits();
      while (auto frame = channel_.TryReceive()) {
        if (frame->kind == FrameKind::kRefusal) throw Reworded(ParseError(frame->body));
        if (frame->kind != FrameKind::kCall) return *std::move(frame);
        Answer(frame->body);
      }
      if (channel_.closed()) throw Error(ErrorCode::kUnavailable, HowItEnded(worker_.End(), limits_));
      Poll();
    }
  }

 private:
  void CheckLimits() const {
    if (stop_.stop_requested()) throw Error(ErrorCode::kUnavailable, "the query was stopped");
    if (Clock::System().Steady() < deadline_) return;
    throw Error(ErrorCode::kUnavailable,
                fmt::format("the statement took longer than {}; ask for less, or raise `query.timeout`",
                            FormatDuration(limits_.time_max)));
  }

  /// What the engine says of its memory is about the limit here.
  Error Reworded(Error error) const {
    if (!error.message().starts_with(kOutOfMemory)) return error;
    return {ErrorCode::kUnavailable, fmt::format("{}: {} MiB; let it hold fewer rows at once, or raise `query.memory`",
                                                 kOutOfMemory, limits_.memory_bytes >> 20)};
  }

  void Answer(const std::string& call) {
    std::string answer;
    try {
      answer = guard_.Answer(call);
    } catch (const Error& error) {
      return channel_.Send(FrameKind::kRefusal, PrintError(error));
    }
    channel_.Send(FrameKind::kReply, answer);
  }

  void Poll() {
    std::array<pollfd, 2> waits = {{{.fd = channel_.socket(), .events = POLLIN, .revents = 0},
                                    {.fd = broker_ ? broker_->listener() : -1, .events = POLLIN, .revents = 0}}};
    if (::poll(waits.data(), waits.size(), kLookEveryMs) <= 0) return;
    if ((waits[1].revents & POLLIN) != 0) broker_->Answer();
  }

  const SandboxLimits& limits_;
  const std::stop_token stop_;
  const SteadyTime deadline_;
  WorkerProcess worker_;
  Channel channel_;
  std::optional<OpenBroker> broker_;
  LakeGuard guard_;
};

/// The worker's frames of rows as one stream of bytes. What goes wrong is kept: Arrow's own code is not thrown through.
class FrameInput final : public arrow::io::InputStream {
 public:
  FrameInput(Conversation& conversation, const SandboxLimits& limits) : conversation_(conversation), limits_(limits) {}

  std::exception_ptr failure() const { return failure_; }

  arrow::Status Close() override { return arrow::Status::OK(); }
  bool closed() const override { return false; }
  arrow::Result<int64_t> Tell() const override { return position_; }

  arrow::Result<int64_t> Read(int64_t size, void* to) override {
    int64_t done = 0;
    while (done < size) {
      if (at_ == piece_.size() && !NextPiece()) break;
      const auto part = std::min(size - done, static_cast<int64_t>(piece_.size() - at_));
      std::copy_n(piece_.data() + at_, part, static_cast<char*>(to) + done);
      at_ += static_cast<size_t>(part);
      done += part;
    }
    if (failure_) return arrow::Status::IOError("the result broke off");
    position_ += done;
    return done;
  }

  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t size) override {
    // A size that is only claimed takes no memory.
    if (size < 0 || size > limits_.result_bytes_max) {
      Keep(TooLarge());
      return arrow::Status::IOError("the result is too large");
    }
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(size));
    ARROW_ASSIGN_OR_RAISE(const auto got, Read(size, buffer->mutable_data()));
    ARROW_RETURN_NOT_OK(buffer->Resize(got, false));
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

 private:
  Error TooLarge() const {
    return {ErrorCode::kData, fmt::format("the result is larger than {} MiB; add a LIMIT, or raise `query.result_size`",
                                          limits_.result_bytes_max >> 20)};
  }

  void Keep(const Error& error) { failure_ = std::make_exception_ptr(error); }

  bool NextPiece() {
    if (ended_ || failure_) return false;
    try {
      auto frame = conversation_.Wait();
      ended_ = frame.kind == FrameKind::kEnd;
      if (!ended_ && frame.kind != FrameKind::kRows)
        throw Error(ErrorCode::kInternal, "the worker answered out of turn");
      bytes_ += static_cast<int64_t>(frame.body.size());
      if (bytes_ > limits_.result_bytes_max) throw TooLarge();
      piece_ = std::move(frame.body);
      at_ = 0;
    } catch (...) {
      failure_ = std::current_exception();
      return false;
    }
    return !ended_;
  }

  Conversation& conversation_;
  const SandboxLimits& limits_;
  std::string piece_;
  size_t at_ = 0;
  int64_t position_ = 0;
  int64_t bytes_ = 0;
  bool ended_ = false;
  std::exception_ptr failure_;
};

class SandboxStream final : public ResultStream {
 public:
  SandboxStream(catalog::Catalog& catalog, DataFiles& files, const SandboxLimits& limits, const StartText& start,
                std::stop_token stop)
      : limits_(limits), conversation_(catalog, files, limits_, std::move(stop)), input_(conversation_, limits_) {
    conversation_.Start(start);
    scans_ = ParseScans(conversation_.Expect(FrameKind::kScans));
    auto opened = arrow::ipc::RecordBatchStreamReader::Open(&input_);
    if (input_.failure()) std::rethrow_exception(input_.failure());
    reader_ = ValueOf(std::move(opened), "reading the result");
  }

  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }
  const std::vector<ScanReport>& scans() const override { return scans_; }

  std::shared_ptr<arrow::RecordBatch> Next() override {
    std::shared_ptr<arrow::RecordBatch> rows;
    const auto status = reader_->ReadNext(&rows);
    if (input_.failure()) std::rethrow_exception(input_.failure());
    Check(status, "reading the result");
    if (!rows) return nullptr;
    // Its bytes come from a process that runs other people's SQL.
    for (int i = 0; i < rows->num_columns(); ++i) {
      // HUGEINT has numbers of 39 digits, which its decimal(38, 0) counts as wrong.
      const auto& metadata = rows->schema()->field(i)->metadata();
      const bool huge = metadata && metadata->Get("sql.type").ValueOr("") == "HUGEINT";
      const auto& column = *rows->column(i);
      Check(huge ? column.Validate() : column.ValidateFull(), "reading the result");
    }
    rows_ += rows->num_rows();
    if (rows_ <= limits_.rows_max) return rows;
    throw Error(ErrorCode::kData,
                fmt::format("the result has more than {} rows; add a LIMIT, or raise `query.rows`", limits_.rows_max));
  }

 private:
  const SandboxLimits limits_;
  Conversation conversation_;
  FrameInput input_;
  std::shared_ptr<arrow::ipc::RecordBatchStreamReader> reader_;
  std::vector<ScanReport> scans_;
  int64_t rows_ = 0;
};

std::string StoreRoot(const io::ObjectStore& store) {
  const auto uri = store.UriOf("x");
  return uri.substr(0, uri.size() - 1);
}

}  // namespace

Sandbox::Sandbox(catalog::Catalog& catalog, SandboxOptions options)
    : catalog_(catalog),
      options_(std::move(options)),
      files_(catalog.store(), options_.cache_directory, options_.cache_bytes_max) {}

StartText Sandbox::StartOf(const std::string& sql, const SandboxLimits& limits) const {
  StartText start;
  start.sql = sql;
  start.store_root = StoreRoot(catalog_.store());
  start.folder = files_.folder();
  start.uri_root = files_.uri_root();
  start.memory_bytes = limits.memory_bytes;
  start.threads = limits.threads;
  // Every thread may work all the time that there is.
  start.cpu_seconds = (limits.time_max.count() / 1000 + 2) * (limits.threads + 1);
  return start;
}

std::unique_ptr<ResultStream> Sandbox::Run(const std::string& sql, const QueryOptions& options, std::stop_token stop) {
  const auto& limits = options_.limits;
  auto start = StartOf(sql, limits);
  start.query.as_of = options.as_of;
  start.query.as_of_snapshot = options.as_of_snapshot;
  start.query.views = options.views;
  start.query.parameters = options.parameters;
  start.query.explain = options.explain;
  return std::make_unique<SandboxStream>(catalog_, files_, limits, start, std::move(stop));
}

RecordsMet Sandbox::Filter(const std::string& where, std::span<const std::string_view> records, Duration time_max,
                           std::stop_token stop) {
  auto limits = options_.limits;
  limits.threads = 1;
  limits.rows_max = static_cast<int64_t>(records.size());
  limits.time_max = std::min(limits.time_max, time_max);
  auto start = StartOf(where, limits);
  start.records.emplace(records.begin(), records.end());
  SandboxStream result(catalog_, files_, limits, start, std::move(stop));
  RecordsMet found;
  if (const auto metadata = result.schema()->metadata()) {
    const auto failed = metadata->Get(kFailedRecords).ValueOr("");
    std::from_chars(failed.data(), failed.data() + failed.size(), found.failed);
    found.failure = metadata->Get(kFailureOfOne).ValueOr("");
  }
  while (const auto rows = result.Next()) {
    const auto* places = rows->num_columns() == 1 && rows->column(0)->type_id() == arrow::Type::INT64
                             ? static_cast<const arrow::Int64Array*>(rows->column(0).get())
                             : nullptr;
    if (places == nullptr) throw Error(ErrorCode::kInternal, "the worker answered with other columns");
    for (int64_t i = 0; i < places->length(); ++i) {
      // It comes from a process that runs other people's SQL.
      const auto place = places->IsNull(i) ? -1 : places->Value(i);
      const bool rises = found.met.empty() || place > found.met.back();
      if (place < 0 || place >= limits.rows_max || !rises)
        throw Error(ErrorCode::kInternal, "the worker answered with records that it was not given");
      found.met.push_back(static_cast<uint32_t>(place));
    }
  }
  return found;
}

}  // namespace millrace::query
