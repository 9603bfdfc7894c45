#include "query/sandbox/worker.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/interfaces.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <arrow/util/key_value_metadata.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <new>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "query/arrow_status.h"
#include "query/duckdb_library.h"
#include "query/engine.h"
#include "query/record_sql.h"
#include "query/sandbox/channel.h"
#include "query/sandbox/confine.h"
#include "query/sandbox/remote_lake.h"
#include "query/sandbox/start_text.h"

namespace millrace::query {
namespace {

/// Of what the parent sends: SQL of 16 MiB as JSON, or a range of an object.
constexpr size_t kFrameBytesMax = size_t{128} << 20;
constexpr size_t kAskedTogether = 500;
constexpr size_t kPieceBytes = size_t{64} << 10;

/// Arrow's stream as frames, small pieces gathered.
class FrameOutput final : public arrow::io::OutputStream {
 public:
  explicit FrameOutput(LakeCalls& calls) : calls_(calls) {}

  arrow::Status Close() override {
    closed_ = true;
    return Flush();
  }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return written_; }
  arrow::Status Write(const void* data, int64_t size) override {
    gathered_.append(static_cast<const char*>(data), static_cast<size_t>(size));
    written_ += size;
    return gathered_.size() < kPieceBytes ? arrow::Status::OK() : Flush();
  }
  arrow::Status Flush() override {
    constexpr size_t kFrame = size_t{16} << 20;
    for (size_t at = 0; at < gathered_.size(); at += kFrame) {
      calls_.Tell(FrameKind::kRows, std::string_view(gathered_).substr(at, kFrame));
    }
    gathered_.clear();
    return arrow::Status::OK();
  }

 private:
  LakeCalls& calls_;
  std::string gathered_;
  int64_t written_ = 0;
  bool closed_ = false;
};

void SendRows(ResultStream& result, LakeCalls& calls) {
  FrameOutput output(calls);
  const auto writer = ValueOf(arrow::ipc::MakeStreamWriter(&output, result.schema()), "sending the result");
  // Who waits sees the columns, and soon the first rows.
  Check(output.Flush(), "sending the result");
  while (const auto rows = result.Next()) Check(writer->WriteRecordBatch(*rows), "sending the result");
  Check(writer->Close(), "sending the result");
  Check(output.Close(), "sending the result");
}

void RunStatement(const StartText& start, LakeCalls& calls) {
  const auto store = MakeRemoteStore(calls, start.store_root);
  const auto catalog = MakeRemoteCatalog(calls, *store);
  EngineOptions options;
  options.memory_bytes = start.memory_bytes;
  options.threads = start.threads;
  options.brought = BroughtFiles{.folder = start.folder, .uri_root = start.uri_root, .bring = [&](const auto& objects) {
                                   BringFiles(calls, objects);
                                 }};
  Engine engine(*catalog, std::move(options));
  const auto result = engine.Run(start.sql, start.query, {});
  calls.Tell(FrameKind::kScans, PrintScans(result->scans()));
  SendRows(*result, calls);
  calls.Tell(FrameKind::kEnd, {});
}

/// One column: the places of those that meet the condition. In its metadata, those that could not be asked.
void FilterRecords(const StartText& start, LakeCalls& calls) {
  const std::vector<std::string_view> records(start.records->begin(), start.records->end());
  RecordSql condition(start.sql, {});
  arrow::Int64Builder places;
  size_t failures = 0;
  std::string why;
  // Those beside one that cannot be asked are looked at one by one: it has few beside it.
  for (size_t begin = 0; begin < records.size(); begin += kAskedTogether) {
    const auto some = std::span(records).subspan(begin, std::min(kAskedTogether, records.size() - begin));
    const auto result = condition.Run(some);
    for (const auto& row : result.rows) {
      if (row.is_object) Check(places.Append(static_cast<int64_t>(begin + row.record)), "sending the result");
    }
    failures += result.failures.size();
    if (why.empty() && !result.failures.empty()) why = result.failures.front().why;
  }
  const auto failed = std::to_string(failures);
  const auto schema = arrow::schema({arrow::field("record", arrow::int64())},
                                    arrow::key_value_metadata({{kFailedRecords, failed}, {kFailureOfOne, why}}));
  const auto column = ValueOf(places.Finish(), "sending the result");
  FrameOutput output(calls);
  calls.Tell(FrameKind::kScans, PrintScans({}));
  const auto writer = ValueOf(arrow::ipc::MakeStreamWriter(&output, schema), "sending the result");
  Check(writer->WriteRecordBatch(*arrow::RecordBatch::Make(schema, column->length(), {column})), "sending the result");
  Check(writer->Close(), "sending the result");
  Check(output.Close(), "sending the result");
  calls.Tell(FrameKind::kEnd, {});
}

/// Whoever started it is gone, or goes: so does this. It is known by the socket that it made, as in a container it may
/// well be process 1.
void DieWithParent() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NAME, "millrace-query");
  ucred parent{};
  socklen_t size = sizeof parent;
  if (::getsockopt(kWorkerSocket, SOL_SOCKET, SO_PEERCRED, &parent, &size) != 0 || parent.pid != ::getppid())
    ::_exit(1);
}

int Converse(Channel& channel) {
  LakeCalls calls(channel);
  try {
    const auto first = channel.Receive();
    if (!first || first->kind != FrameKind::kStart) return 1;
    const auto start = ParseStart(first->body);
    DuckDb();  // where libraries are, nobody can look once confined
    {
      const auto listener = Confine({.memory_bytes = start.memory_bytes, .cpu_seconds = start.cpu_seconds});
      channel.SendDescriptor(FrameKind::kConfined, listener.get());
    }
    if (start.records) {
      FilterRecords(start, calls);
    } else {
      RunStatement(start, calls);
    }
    return 0;
  } catch (const Error& error) {
    calls.Tell(FrameKind::kRefusal, PrintError(error));
  } catch (const std::bad_alloc&) {
    calls.Tell(FrameKind::kRefusal, PrintError({ErrorCode::kUnavailable, std::string(kOutOfMemory)}));
  } catch (const std::exception& error) {
    calls.Tell(FrameKind::kRefusal, PrintError({ErrorCode::kInternal, error.what()}));
  }
  return 1;
}

}  // namespace

int RunWorker() {
  struct stat found {};
  if (::fstat(kWorkerSocket, &found) != 0 || !S_ISSOCK(found.st_mode)) {
    fmt::print(stderr, "millrace: {} is started by the program itself, for SQL from outside\n", kWorkerVerb);
    return static_cast<int>(ExitCode::kUsage);
  }
  DieWithParent();
  if (::chdir("/") != 0) return 1;
  Channel channel(io::FileDescriptor(kWorkerSocket), kFrameBytesMax);
  int code = 1;
  try {
    code = Converse(channel);
  } catch (const std::exception&) {
    // Nobody is there to tell.
  }
  // What DuckDB's threads still do is of no interest to anyone.
  ::_exit(code);
}

}  // namespace millrace::query
