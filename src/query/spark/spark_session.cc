#include "query/spark/spark_session.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <charconv>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/random.h"
#include "io/grpc_client.h"
#include "io/outage_patience.h"
#include "query/arrow_status.h"
#include "query/spark/connect.pb.h"
#include "query/spark/spark_error.h"

namespace millrace::query {
namespace {

constexpr const char* kService = "spark.connect.SparkConnectService";
constexpr const char* kClient = "millrace";
constexpr const char* kCountsName = "millrace";
constexpr int64_t kResponseBytesMax = int64_t{256} << 20;
constexpr int64_t kRowsBytesMax = int64_t{256} << 20;
constexpr size_t kReasonBytesMax = 8192;
/// Of one connection of a statement. Spark ends them after two minutes by itself, and is reattached to.
constexpr std::chrono::milliseconds kStreamTime{300'000};
constexpr std::chrono::milliseconds kPartingTime{5'000};
constexpr int kFailuresMax = 6;
constexpr std::chrono::milliseconds kPause{250};
constexpr int kVersionMin = 4;

/// What makes Spark read SQL as it is meant, and the same whatever the cluster's own settings are.
const std::map<std::string, std::string> kSettings = {
    {"spark.sql.session.timeZone", "UTC"}, {"spark.sql.ansi.enabled", "true"}, {"spark.sql.caseSensitive", "false"}};

std::map<std::string, std::string> SettingsOf(SparkSession::Dialect dialect) {
  const auto* const word = dialect == SparkSession::Dialect::kDuckDb ? "true" : "false";
  return {{"spark.sql.ansi.doubleQuotedIdentifiers", word}, {"spark.sql.parser.escapedStringLiterals", word}};
}

bool MayPass(io::GrpcCode code) {
  return code == io::GrpcCode::kUnavailable || code == io::GrpcCode::kDeadlineExceeded;
}

void SetSql(connect::Relation& relation, const std::string& sql) { relation.mutable_sql()->set_query(sql); }

void SetCounted(connect::Relation& relation, const SparkSession::Counted& rows) {
  auto& project = *relation.mutable_project();
  for (const auto& column : rows.columns)
    project.add_expressions()->mutable_expression_string()->set_expression(column);
  auto* input = project.mutable_input();
  if (!rows.filter.empty()) {
    auto& filter = *input->mutable_filter();
    filter.mutable_condition()->mutable_expression_string()->set_expression(rows.filter);
    input = filter.mutable_input();
  }
  auto& collect = *input->mutable_collect_metrics();
  collect.set_name(kCountsName);
  for (size_t i = 0; i < rows.counts.size(); ++i) {
    collect.add_metrics()->mutable_expression_string()->set_expression(
        fmt::format("CAST({} AS BIGINT) AS n{}", rows.counts[i], i));
  }
  SetSql(*collect.mutable_input(), rows.sql);
}

/// One part of a result; gives its schema.
std::shared_ptr<arrow::Schema> Decode(const std::string& part,
                                      const std::function<void(std::shared_ptr<arrow::RecordBatch>)>& visit) {
  constexpr std::string_view kDoing = "reading what Spark answered";
  const auto stream = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(part));
  const auto reader = ValueOf(arrow::ipc::RecordBatchStreamReader::Open(stream), kDoing);
  for (std::shared_ptr<arrow::RecordBatch> batch;;) {
    Check(reader->ReadNext(&batch), kDoing);
    if (!batch) return reader->schema();
    if (batch->num_rows() > 0) visit(std::move(batch));
  }
}

SparkSession::Rows Decoded(const std::vector<std::string>& parts) {
  SparkSession::Rows rows;
  for (const auto& part : parts)
    rows.schema = Decode(part, [&](auto batch) { rows.batches.push_back(std::move(batch)); });
  if (!rows.schema) throw Error(ErrorCode::kUnavailable, "Spark answered without a result; try again");
  return rows;
}

io::GrpcCall CallTo(const SparkServer& server, const char* method, std::string_view message) {
  io::GrpcCall call{.url = fmt::format("{}/{}/{}", server.remote.Url(), kService, method), .message = message};
  call.headers = server.remote.headers;
  if (!server.token.empty()) call.headers.push_back({"Authorization", "Bearer " + server.token});
  call.answer_bytes_max = kResponseBytesMax;
  call.reason_bytes_max = kReasonBytesMax;
  return call;
}

[[noreturn]] void ThrowUnreachable(const std::string& shown, const std::string& why) {
  throw Error(
      ErrorCode::kUnavailable,
      fmt::format("{} does not answer: {}; check `spark.remote`, and that Spark Connect runs there", shown, why));
}

}  // namespace

SparkSession::SparkSession(SparkServer server, std::stop_token stop, std::function<void(const SparkProgress&)> progress)
    : server_(std::move(server)),
      shown_(fmt::format("Spark at {}:{}", server_.remote.host, server_.remote.port)),
      session_id_(Random::FromSystem().Uuid()),
      stop_(std::move(stop)),
      progress_(std::move(progress)),
      http_({.ca_file = server_.ca_file}) {}

template <typename Request>
Request SparkSession::NewRequest() const {
  Request request;
  request.set_session_id(session_id_);
  request.mutable_user_context()->set_user_id(server_.remote.user_id.empty() ? kClient : server_.remote.user_id);
  request.set_client_type(kClient);
  return request;
}

template <typename Answer, typename Request>
Answer SparkSession::Call(const char* method, const Request& request, std::chrono::milliseconds timeout) {
  const auto message = request.SerializeAsString();
  auto call = CallTo(server_, method, message);
  call.timeout = timeout;
  auto answer = [&] {
    try {
      return io::CallGrpc(http_, call);
    } catch (const io::HttpFailure& failure) {
      if (failure.cause() == io::HttpFailureCause::kStopped) throw;
      ThrowUnreachable(shown_, failure.message());
    }
  }();
  if (answer.code != io::GrpcCode::kOk) throw SparkErrorOf(answer, shown_);
  Answer read;
  if (answer.messages.size() != 1 || !read.ParseFromString(answer.messages.front()))
    throw Error(ErrorCode::kUnavailable, fmt::format("{}: the answer to {} cannot be read", shown_, method));
  return read;
}

SparkSession::~SparkSession() {
  if (!begun_) return;
  const io::OutagePatience unhurried({}, {});
  try {
    Call<connect::ReleaseSessionResponse>("ReleaseSession", NewRequest<connect::ReleaseSessionRequest>(), kPartingTime);
  } catch (const Error& error) {
    LogInfo("a session of {} was not closed and ends by itself: {}", shown_, error.what());
  }
}

void SparkSession::RequireVersion() {
  const io::OutagePatience stoppable(stop_, {});
  auto request = NewRequest<connect::AnalyzePlanRequest>();
  request.mutable_spark_version();
  begun_ = true;
  const auto version =
      Call<connect::AnalyzePlanResponse>("AnalyzePlan", request, server_.timeout).spark_version().version();
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  if (major < kVersionMin)
    throw Error(ErrorCode::kConfig,
                fmt::format("{} is of version {}; models need Spark 4.0 or newer", shown_, version));
  auto settings = server_.settings;
  settings.insert(kSettings.begin(), kSettings.end());
  Configure(settings);
  Speak(Dialect::kDuckDb);
}

void SparkSession::Speak(Dialect dialect) {
  if (dialect == std::exchange(dialect_, dialect)) return;
  Configure(SettingsOf(dialect));
}

void SparkSession::Configure(const std::map<std::string, std::string>& settings) {
  const io::OutagePatience stoppable(stop_, {});
  auto request = NewRequest<connect::ConfigRequest>();
  auto& set = *request.mutable_operation()->mutable_set();
  for (const auto& [key, value] : settings) {
    auto& pair = *set.add_pairs();
    pair.set_key(key);
    pair.set_value(value);
  }
  Call<connect::ConfigResponse>("Config", request, server_.timeout);
}

/// One statement from its first request to its last response, over any number of connections.
class SparkSession::Statement {
 public:
  Statement(SparkSession& session, const connect::Plan& plan, const OnResponse& on_response)
      : session_(session), on_response_(on_response), operation_id_(Random::FromSystem().Uuid()) {
    auto request = session_.NewRequest<connect::ExecutePlanRequest>();
    *request.mutable_plan() = plan;
    request.set_operation_id(operation_id_);
    request.add_request_options()->mutable_reattach_options()->set_reattachable(true);
    first_ = request.SerializeAsString();
  }

  void Run() {
    while (!complete_) {
      try {
        const auto answer = Connect();
        if (answer.code == io::GrpcCode::kOk) continue;
        if (!MayPass(answer.code)) throw SparkErrorOf(answer, session_.shown_);
        Wait(answer.message);
      } catch (const io::HttpFailure& failure) {
        if (failure.cause() == io::HttpFailureCause::kStopped) throw;
        if (!sent_ && !failure.may_have_arrived()) ThrowUnreachable(session_.shown_, failure.message());
        sent_ = true;
        Wait(failure.message());
      }
    }
  }

 private:
  io::GrpcAnswer Connect() {
    std::string message = first_;
    if (sent_) {
      auto request = session_.NewRequest<connect::ReattachExecuteRequest>();
      request.set_operation_id(operation_id_);
      if (!last_response_.empty()) request.set_last_response_id(last_response_);
      message = request.SerializeAsString();
    }
    auto call = CallTo(session_.server_, sent_ ? "ReattachExecute" : "ExecutePlan", message);
    call.timeout = kStreamTime;
    call.on_message = [this](std::string_view bytes) { Take(bytes); };
    auto answer = io::CallGrpc(session_.http_, call);
    sent_ = true;
    return answer;
  }

  void Take(std::string_view bytes) {
    connect::ExecutePlanResponse response;
    if (!response.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      throw Error(ErrorCode::kUnavailable, fmt::format("{}: a response cannot be read", session_.shown_));
    failures_ = 0;
    sent_ = true;
    last_response_ = response.response_id();
    complete_ = complete_ || response.has_result_complete();
    if (response.has_execution_progress() && session_.progress_) {
      SparkProgress progress;
      for (const auto& stage : response.execution_progress().stages()) {
        progress.tasks += stage.num_tasks();
        progress.tasks_done += stage.num_completed_tasks();
      }
      session_.progress_(progress);
    }
    on_response_(response);
  }

  void Wait(const std::string& why) {
    if (++failures_ >= kFailuresMax) ThrowUnreachable(session_.shown_, why);
    LogInfo("{}: the connection to a statement broke; going on with it: {}", session_.shown_, why);
    if (!Clock::System().SleepFor(kPause * (1 << failures_), session_.stop_))
      throw Error(ErrorCode::kUnavailable, "stopped while Spark was waited for");
  }

  SparkSession& session_;
  const OnResponse& on_response_;
  const std::string operation_id_;
  std::string first_;
  std::string last_response_;
  bool sent_ = false;  // Spark may have it
  bool complete_ = false;
  int failures_ = 0;  // since the last response
};

void SparkSession::Execute(const connect::Plan& plan, const OnResponse& on_response) {
  const io::OutagePatience stoppable(stop_, {});
  try {
    Statement(*this, plan, on_response).Run();
  } catch (const SparkError&) {
    throw;  // it has ended by itself
  } catch (const Error&) {
    Interrupt();
    throw;
  }
}

/// What nobody waits for any more is not to use the cluster.
void SparkSession::Interrupt() noexcept {
  const io::OutagePatience unhurried({}, {});
  try {
    auto request = NewRequest<connect::InterruptRequest>();
    request.set_interrupt_type(connect::InterruptRequest::INTERRUPT_TYPE_ALL);
    Call<connect::InterruptResponse>("Interrupt", request, kPartingTime);
  } catch (const std::exception& failure) {
    LogWarning("a statement could not be interrupted in {}: {}", shown_, failure.what());
  }
}

void SparkSession::CreateView(const std::string& name, const std::string& sql) {
  connect::Plan plan;
  auto& view = *plan.mutable_command()->mutable_create_dataframe_view();
  SetSql(*view.mutable_input(), sql);
  view.set_name(name);
  view.set_replace(true);
  Execute(plan, [](const auto&) {});
}

SparkSession::Rows SparkSession::Ask(const std::string& sql) {
  connect::Plan plan;
  SetSql(*plan.mutable_root(), sql);
  std::vector<std::string> parts;
  int64_t bytes = 0;
  Execute(plan, [&](const connect::ExecutePlanResponse& response) {
    if (!response.has_arrow_batch()) return;
    parts.push_back(response.arrow_batch().data());
    bytes += static_cast<int64_t>(parts.back().size());
    if (bytes > kRowsBytesMax)
      throw Error(ErrorCode::kData, fmt::format("{}: a result is larger than {} bytes", shown_, kRowsBytesMax));
  });
  return Decoded(parts);
}

void SparkSession::Stream(const std::string& sql, const std::function<void(const arrow::RecordBatch&)>& visit) {
  connect::Plan plan;
  SetSql(*plan.mutable_root(), sql);
  Execute(plan, [&](const connect::ExecutePlanResponse& response) {
    if (response.has_arrow_batch()) Decode(response.arrow_batch().data(), [&](const auto& batch) { visit(*batch); });
  });
}

std::optional<std::vector<int64_t>> SparkSession::Append(const Counted& rows, const std::string& table,
                                                         const std::map<std::string, std::string>& options) {
  connect::Plan plan;
  auto& write = *plan.mutable_command()->mutable_write_operation_v2();
  SetCounted(*write.mutable_input(), rows);
  write.set_table_name(table);
  write.mutable_options()->insert(options.begin(), options.end());
  write.set_mode(connect::WriteOperationV2::MODE_APPEND);
  std::optional<std::vector<int64_t>> counted;
  Execute(plan, [&](const connect::ExecutePlanResponse& response) {
    for (const auto& observed : response.observed_metrics()) {
      if (observed.name() != kCountsName) continue;
      counted.emplace();
      for (const auto& value : observed.values()) counted->push_back(value.long_());
    }
  });
  return counted;
}

void RequireSpark(const SparkServer& server, const std::stop_token& stop) {
  SparkSession session(server, stop);
  session.RequireVersion();
}

}  // namespace millrace::query
