#include "app/query_route.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <streambuf>
#include <utility>

#include "base/error.h"
#include "query/printer.h"

namespace millrace::app {
namespace {

using Json = nlohmann::json;

constexpr int64_t kBodyBytesMax = int64_t{1} << 20;
/// Each is a process with memory of its own.
constexpr int kStatementsMax = 2;

/// A reply's stream as std::ostream writes to it, in pieces.
class ReplyBuffer final : public std::streambuf {
 public:
  explicit ReplyBuffer(io::HttpReplyStream& reply) : reply_(reply) {}

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    const char one = traits_type::to_char_type(c);
    return reply_.Write({&one, 1}) ? c : traits_type::eof();
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    return reply_.Write({text, static_cast<size_t>(size)}) ? size : 0;
  }

 private:
  io::HttpReplyStream& reply_;
};

std::string MediaType(query::OutputFormat format) {
  switch (format) {
    case query::OutputFormat::kTable:
      return "text/plain; charset=utf-8";
    case query::OutputFormat::kJson:
      return "application/json";
    case query::OutputFormat::kJsonLines:
      return "application/x-ndjson";
    case query::OutputFormat::kCsv:
      return "text/csv; charset=utf-8";
    case query::OutputFormat::kArrow:
      return "application/vnd.apache.arrow.stream";
    case query::OutputFormat::kParquet:
      return "application/vnd.apache.parquet";
    case query::OutputFormat::kXlsx:
      return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
  }
  return {};
}

struct Request {
  std::string sql;
  query::OutputFormat format = query::OutputFormat::kJson;
  query::QueryOptions options;
};

Request ReadRequest(const io::HttpCall& call) {
  const auto body = Json::parse(call.body->ReadAll(), nullptr, false);
  Request request;
  if (!body.is_object()) throw io::HttpRefusal(400, "the body is no JSON object such as {\"sql\": \"SELECT 1\"}");
  for (const auto& [name, value] : body.items()) {
    if (name == "params") {
      request.options.parameters = query::ParametersOfJson(value);
      continue;
    }
    if (!value.is_string()) throw io::HttpRefusal(400, fmt::format("\"{}\" is no text", name));
    const auto& text = value.get_ref<const std::string&>();
    if (name == "sql") {
      request.sql = text;
    } else if (name == "as_of") {
      SetAsOf(text, "as_of", request.options);
    } else if (name == "format") {
      const auto format = query::ParseOutputFormat(text);
      if (!format) throw io::HttpRefusal(400, "\"format\" is table, json, jsonl, csv, arrow, parquet or xlsx");
      request.format = *format;
    } else {
      throw io::HttpRefusal(400,
                            fmt::format("nothing is known of \"{}\"; there are sql, params, format and as_of", name));
    }
  }
  if (request.sql.empty()) throw io::HttpRefusal(400, "\"sql\" is missing");
  return request;
}

io::HttpReply ReplyWith(const std::shared_ptr<query::ResultStream>& result, query::OutputFormat format) {
  io::HttpReply reply;
  reply.headers = {{"Content-Type", MediaType(format)}};
  reply.stream = [result, format](io::HttpReplyStream& out) {
    ReplyBuffer buffer(out);
    std::ostream text(&buffer);
    query::Print(*result, format, {}, text);
  };
  return reply;
}

/// What SQL is to blame for is the client's to mend; what goes wrong before the first row has a status of its own.
io::HttpReply Answer(io::HttpCall& call, query::Sandbox& sandbox,
                     const std::map<catalog::TableName, std::string>& views) {
  std::shared_ptr<query::ResultStream> result;
  query::OutputFormat format{};
  try {
    auto request = ReadRequest(call);
    request.options.views = views;
    format = request.format;
    result = sandbox.Run(request.sql, request.options, call.stopping);
  } catch (const io::HttpRefusal&) {
    throw;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    throw io::HttpRefusal(error.code() == ErrorCode::kUnavailable ? 503 : 400, error.what());
  }
  return ReplyWith(result, format);
}

}  // namespace

io::HttpReply RowsOf(query::Sandbox& sandbox, const std::string& sql, std::stop_token stop) {
  return ReplyWith(sandbox.Run(sql, {}, std::move(stop)), query::OutputFormat::kJson);
}

void SetAsOf(const std::string& text, std::string_view option, query::QueryOptions& options) {
  if (text.empty()) return;
  int64_t id = 0;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, id);
  if (error == std::errc() && end == last) {
    options.as_of_snapshot = table::SnapshotId(id);
    return;
  }
  options.as_of = ParseTimestamp(text);
  if (!options.as_of) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} takes a snapshot id or a time such as 2021-07-21T06:00:00Z, not '{}'", option, text));
  }
}

void AddQueryRoute(io::HttpRoutes& routes, query::Sandbox& sandbox,
                   const std::map<catalog::TableName, std::string>& views) {
  routes.Add({.method = "POST",
              .pattern = "/api/v1/query",
              .handler = [&](io::HttpCall& call) { return Answer(call, sandbox, views); },
              .body_bytes_max = kBodyBytesMax,
              .in_flight_max = kStatementsMax,
              .buffered = true,
              .role = "query"});
}

}  // namespace millrace::app
