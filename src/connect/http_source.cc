#include "connect/http_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "connect/common_properties.h"
#include "connect/declarations.h"
#include "connect/declared_plugin.h"
#include "connect/source_topic.h"
#include "connect/topics.h"
#include "connect/value_check.h"
#include "connect/yaml_text.h"

namespace millrace::connect {
namespace {

using enum PropertyType;
using enum Importance;

constexpr const char* kVersion = "0.8.11";
const std::string kPackage = "com.github.castorm.kafka.connect.";
const char* const kNoOffsets =
    "what was seen is not told by offsets of the connector's kind: take `incremental` or `pagination` of `http_poll` "
    "in "
    "YAML (docs/reference.md), and `key` of tables for rows that come again";
const char* const kFixed = "this part is not exchangeable";

void AddRequests(Declarations& list) {
  list.Add("kafka.topic", kString, std::nullopt, kHigh, {}, Honoured("`topic`"), "The topic that gets the rows.")
      .Required()
      .NonEmpty()
      .Add("http.request.url", kString, std::nullopt, kHigh, {},
           Honoured("`http_poll.url`; addresses that are not public need `allow_private` in YAML"), "Where to ask.")
      .Required()
      .Add("http.request.method", kString, "GET", kHigh, {}, Honoured("`http_poll.method`: GET or POST"),
           "The method of requests.")
      .OneOf({"GET", "POST"})
      .Add("http.request.headers", kString, "", kMedium, {}, Honoured("`http_poll.headers`"),
           "Headers, Name: value between commas.")
      .Add("http.request.params", kString, "", kMedium, {}, Honoured("the query of `http_poll.url`"),
           "Parameters, name=value between '&'.")
      .Add("http.request.body", kString, "", kMedium, {}, Honoured("`http_poll.body`"), "What is posted.")
      .Add("http.request.factory", kClass, kPackage + "http.request.template.TemplateHttpRequestFactory", kLow, {},
           Refused(kFixed), "The class that makes requests.")
      .Add("http.offset.initial", kString, "", kHigh, {}, Refused(kNoOffsets), "Where to begin.")
      .Add("http.timer", kClass, kPackage + "timer.AdaptableIntervalTimer", kLow, {},
           NoMeaning("without offsets both timers wait for the interval"), "The class that says when to ask again.")
      .OneOf({kPackage + "timer.AdaptableIntervalTimer", kPackage + "timer.FixedIntervalTimer"})
      .Add("http.timer.interval.millis", kLong, "60000", kHigh, {}, Honoured("`http_poll.every`"),
           "From one request to the next.")
      .AtLeast(10)
      .Add("http.timer.catchup.interval.millis", kLong, "30000", kLow, {},
           NoMeaning("it counts where records have times of offsets"), "The same while there is much to catch up.");
}

void AddClient(Declarations& list) {
  const char* const kNoProxy = "requests go to the server directly";
  list.Add("http.client", kClass, kPackage + "http.client.okhttp.OkHttpClient", kLow, {}, Refused(kFixed),
           "The class that sends requests.")
      .Add("http.client.connection.timeout.millis", kLong, "2000", kMedium, {},
           Honoured("`http_poll.timeout`, with the next"), "How long connecting may take.")
      .AtLeast(1)
      .Add("http.client.read.timeout.millis", kLong, "2000", kMedium, {}, Honoured("`http_poll.timeout`"),
           "How long an answer may take.")
      .AtLeast(1)
      .Add("http.client.connection.ttl.millis", kLong, "300000", kMedium, {},
           NoMeaning("connections are kept as long as they live"), "How long a connection is kept.")
      .Add("http.client.proxy.host", kString, "", kMedium, {}, Refused(kNoProxy), "A proxy.")
      .Add("http.client.proxy.port", kInt, "3128", kMedium, {}, NoMeaning("there is no proxy"), "Its port.")
      .Add("http.client.proxy.username", kString, "", kMedium, {}, Refused(kNoProxy), "Its user.")
      .Add("http.client.proxy.password", kPassword, "[hidden]", kMedium, {}, Refused(kNoProxy), "Its password.")
      .Add("http.auth", kClass, kPackage + "http.auth.ConfigurableHttpAuthenticator", kLow, {}, Refused(kFixed),
           "The class that says who asks.")
      .Add("http.auth.type", kString, "None", kMedium, {}, Honoured("`http_poll.auth`: None or Basic"),
           "How who asks is told.")
      .OneOf({"None", "Basic"})
      .Add("http.auth.user", kString, "", kMedium, {}, Honoured("`http_poll.auth.basic.username`"), "Who asks.")
      .Add("http.auth.password", kPassword, "[hidden]", kMedium, {}, Honoured("`http_poll.auth.basic.password`"),
           "The password.");
}

void AddResponses(Declarations& list) {
  list.Add("http.response.parser", kClass, kPackage + "http.response.PolicyHttpResponseParser", kLow, {},
           Refused(kFixed), "The class that reads answers.")
      .Add("http.response.policy.codes.process", kString, "200..299", kLow, {}, Refused("answers of 2xx are read"),
           "Statuses of answers that are read.")
      .Add("http.response.policy.codes.skip", kString, "300..399", kLow, {},
           Refused("redirects are followed, and other answers are asked for again"),
           "Statuses of answers that are left out.")
      .Add("http.response.record.mapper", kClass, kPackage + "http.record.SchemedKvSourceRecordMapper", kLow, {},
           Honoured(
               "StringKvSourceRecordMapper: a record is the row's JSON. The other one wraps it as text into a record "
               "with a schema, and is refused"),
           "The class that makes records of rows.")
      .OneOf(
          {kPackage + "http.record.SchemedKvSourceRecordMapper", kPackage + "http.record.StringKvSourceRecordMapper"})
      .Add("http.response.list.pointer", kString, "/", kHigh, {}, Honoured("`http_poll.rows`, as a JSON path"),
           "Where the rows are in an answer.")
      .Add("http.response.record.pointer", kString, "/", kHigh, {},
           Refused("a row is taken whole; models take what they need of it"), "What of a row becomes the record.")
      .Add("http.response.record.offset.pointer", kString, "", kMedium, {}, Refused(kNoOffsets),
           "What of a row tells where to go on.")
      .Add("http.record.filter.factory", kClass, kPackage + "http.record.OffsetRecordFilterFactory", kLow, {},
           NoMeaning("without offsets nothing is left out"), "The class that leaves out what was seen.");
}

std::vector<Property> HttpProperties() {
  Declarations list(SourceProperties(kVersion));
  AddRequests(list);
  AddClient(list);
  AddResponses(list);
  return std::move(list).Take();
}

/// "a=1 & b=2" as "a=1&b=2".
std::string QueryOf(const std::string& params) {
  std::string query;
  for (size_t at = 0; at < params.size();) {
    const auto end = std::min(params.find('&', at), params.size());
    if (const auto part = Trimmed(std::string_view(params).substr(at, end - at)); !part.empty()) {
      query += (query.empty() ? "" : "&") + part;
    }
    at = end + 1;
  }
  return query;
}

class HttpSource final : public DeclaredPlugin {
 public:
  HttpSource()
      : DeclaredPlugin({.type = "source",
                        .classes = {kPackage + "http.HttpSourceConnector", "HttpSourceConnector", "HttpSource"},
                        .version = kVersion,
                        .properties = HttpProperties(),
                        .families = SourceFamilies({})}) {}

 private:
  void CheckTogether(const Given& given, Findings& findings) const override {
    if (given.properties().size() <= 1) return;
    CheckSourceTopic(given, "kafka.topic", findings);
    for (const auto* name : {"http.request.url", "http.request.params", "http.request.headers", "http.request.body"}) {
      if (given.Text(name).find("${offset") != std::string::npos) {
        findings.Add(name, fmt::format("templates of offsets are not supported by Millrace: {}", kNoOffsets));
      }
    }
    for (const auto& header : given.List("http.request.headers")) {
      if (header.find(':') == std::string::npos) findings.Add("http.request.headers", "is Name: value between commas");
    }
    if (given.Class("http.response.record.mapper") != "StringKvSourceRecordMapper") {
      findings.Add("http.response.record.mapper",
                   "is not supported by Millrace but as StringKvSourceRecordMapper: a record is the row's JSON");
    }
    const auto converter = given.Class("value.converter");
    if (given.Has("value.converter") && converter != "StringConverter") {
      findings.Add("value.converter", "rows go to the topic as they are, which is StringConverter");
    }
    if (given.Text("http.auth.type") == "Basic" && given.Text("http.auth.user").empty()) {
      findings.Add("http.auth.user", "is missing: who asks");
    }
  }

  Translation Written(const std::string& connector, const Given& given) const override {
    Tree root;
    std::map<std::string, std::string> secrets;
    auto& source = root["sources"][BlockName(connector, "")];
    auto& poll = source["http_poll"];
    auto url = given.Text("http.request.url");
    if (const auto query = QueryOf(given.Text("http.request.params")); !query.empty()) {
      url += (url.find('?') == std::string::npos ? "?" : "&") + query;
    }
    poll["url"] = url;
    poll["method"] = given.Text("http.request.method");
    for (const auto& header : given.List("http.request.headers")) {
      const auto colon = header.find(':');
      poll["headers"][Trimmed(header.substr(0, colon))] = Trimmed(header.substr(colon + 1));
    }
    if (const auto body = given.Text("http.request.body"); !body.empty()) poll["body"] = body;
    if (given.Text("http.auth.type") == "Basic") {
      auto& basic = poll["auth"]["basic"];
      basic["username"] = given.Text("http.auth.user");
      basic["password"] = SecretOf(connector, "http.auth.password", given.Raw("http.auth.password"), secrets);
    }
    poll["rows"] = JsonPathOf(given.Text("http.response.list.pointer"));
    poll["every"] = fmt::format("{}ms", given.Number("http.timer.interval.millis"));
    const auto timeout =
        given.Number("http.client.connection.timeout.millis") + given.Number("http.client.read.timeout.millis");
    poll["timeout"] = fmt::format("{}ms", std::max<int64_t>(timeout, 100));
    source["topic"] = given.Text("kafka.topic");
    auto translation = SourceTranslation(given, "kafka.topic", root);
    translation.secrets = std::move(secrets);
    return translation;
  }
};

}  // namespace

std::string JsonPathOf(const std::string& pointer) {
  std::string path = "$";
  for (size_t at = 1; at < pointer.size();) {
    const auto end = std::min(pointer.find('/', at), pointer.size());
    std::string part;
    for (size_t i = at; i < end; ++i) {
      const bool escaped = pointer[i] == '~' && i + 1 < end;
      part += escaped ? (pointer[++i] == '1' ? '/' : '~') : pointer[i];
    }
    const bool is_index =
        !part.empty() && std::ranges::all_of(part, [](unsigned char c) { return std::isdigit(c) != 0; });
    const bool is_name = std::ranges::all_of(part, [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
    path += is_index ? "[" + part + "]" : (is_name ? "." + part : "['" + part + "']");
    at = end + 1;
  }
  return path;
}

std::unique_ptr<Plugin> MakeHttpSource() { return std::make_unique<HttpSource>(); }

}  // namespace millrace::connect
