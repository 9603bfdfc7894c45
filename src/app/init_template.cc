#include "app/init_template.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"

namespace millrace::app {
namespace {

/// How events come in: what stands above `tables` in the file.
struct SourcePart {
  InitWord word;
  std::string_view yaml;
  std::string_view env;  // lines of .env
};

/// Where they go: what stands below.
struct TargetPart {
  InitWord word;
  std::string_view yaml;
  std::string_view env;
};

constexpr std::string_view kGenerator = R"(sources:
  events:
    # Made-up events, for a first look: change `rows`, or take `rows` away and set `rate` to have them come for ever.
    generator: { kind: events, rows: 1000, seed: 1 }
    topic: events
)";

constexpr std::string_view kFiles = R"(sources:
  events:
    # JSON lines, a JSON array or CSV, plain, gzip or zstd. `follow: true` keeps looking for what is added.
    file: { path: "in/*.jsonl" }
    topic: events
)";

constexpr std::string_view kHttp = R"(sources:
  clients:
    # Clients POST JSON to these paths; 200 means it is durable. More paths, more topics.
    #   curl -d '{"id": 1}' http://127.0.0.1:8080/events
    http_ingest: { routes: { "/events": events } }
)";

constexpr std::string_view kApi = R"(sources:
  events:
    http_poll:
      url: "${API_URL:-https://randomuser.me/api/}"    # the API to ask
      rows: "$.results[*]"                             # where the rows stand in its answer; "$[*]": it is a list
      every: 10s
      # auth: { bearer: { secret: "env:API_TOKEN" } }
      # pagination: { kind: page, param: page }        # docs/http.md
      # allow_private: true                            # for an API on this machine or network
    topic: events
)";

constexpr std::string_view kKafka = R"(stream:
  kafka:
    brokers: "${KAFKA_BROKERS:-localhost:9092}"
    # tls: { ca_file: ca.pem }
    # sasl: { mechanism: SCRAM-SHA-512, username: millrace, password: { secret: "env:KAFKA_PASSWORD" } }

# The topic that is read is named by `from` below. It must be there: `millrace topics create events`.
)";

constexpr std::string_view kKinesis = R"(stream:
  kinesis:
    region: "${AWS_REGION:-eu-central-1}"
    # Keys come from where AWS's own tools look: the environment, ~/.aws, the instance.

# The stream that is read is named by `from` below.
)";

constexpr std::string_view kMongoSource = R"(sources:
  events:
    # Documents of a collection, and what is added later. With `cursor: updated_at`, changed ones come again.
    mongodb: { uri: { secret: "env:MONGO_URI" }, database: shop, collection: events, every: 5s }
    topic: events
)";

constexpr std::string_view kMongoEnv = "MONGO_URI=mongodb://localhost:27017/\n";

constexpr std::string_view kIceberg = R"(tables:
  silver.events:
    from: events
    metadata: true               # also when and from where each row came: _ingested_at, _topic, _offset, ...
    freshness: 10s               # how soon a row can be queried
    # key: [id]                  # rows whose key has come already are dropped
    # columns: { at: timestamptz }              # types that should not be guessed
    # iceberg: { partition_by: [day(at)] }      # when there is a lot of it

# One SQL file a table: models/gold/events_by_hour.sql becomes gold.events_by_hour after each commit.
models: models/

# Without `lake` tables are kept below millrace-data/. In a bucket, under a catalogue that others ask too:
# lake:
#   warehouse: "s3://bucket/prefix"
#   catalog: { rest: { uri: "https://catalog.example.com" } }
)";

constexpr std::string_view kModel = R"(-- ---
-- materialized: table
-- description: How many events came in each hour. Change it, it is plain SQL over the tables of the lake.
-- ---
SELECT date_trunc('hour', _ingested_at) AS hour, count(*) AS events
FROM silver.events
GROUP BY ALL
ORDER BY hour
)";

constexpr std::string_view kJson = R"(tables:
  bronze.events:
    from: events
    # The records as they came, one a line, in folders of the hour of their arrival.
    files: { encoding: jsonl, compression: gzip, path: "{ingested:%Y/%m/%d/%H}", buffer_time: 10s }
    # location: "s3://bucket/prefix" within `files` puts them into a bucket; without it they are below millrace-data/lake/
)";

constexpr std::string_view kMongoTarget = R"(documents:
  events:
    # key: [id]                  # the document's _id: the last change of each stands; without it each record is one
    # where: "length(value) > 0"                # records that do not meet it are left out
    mongodb: { uri: { secret: "env:MONGO_URI" }, database: shop, collection: events_from_millrace }
)";

constexpr std::string_view kDynamo = R"(documents:
  events:
    # key: [id]                  # the table's partition key, and its sort key if there are two
    dynamodb: { region: "${AWS_REGION:-eu-central-1}", table: events, create: true }
)";

constexpr std::string_view kFirestore = R"(documents:
  events:
    # key: [id]                  # what the document's id is made of
    firestore: { project: "${GOOGLE_PROJECT:-my-project}", collection: events }
)";

constexpr std::string_view kServer = R"(
# Metrics, health and the console at http://127.0.0.1:8080/, from this machine alone. From others: `tls` and `tokens`.
)";

const std::vector<SourcePart>& Sources() {
  static const std::vector<SourcePart> parts = {{{"generator", "made-up events, nothing else needed"}, kGenerator, ""},
                                                {{"files", "JSON lines, JSON or CSV in a folder"}, kFiles, ""},
                                                {{"http", "clients that send JSON over HTTP"}, kHttp, ""},
                                                {{"api", "a JSON API that is asked every so often"}, kApi, ""},
                                                {{"kafka", "a topic of Kafka, Redpanda or the like"}, kKafka, ""},
                                                {{"kinesis", "a stream of Amazon Kinesis"}, kKinesis, ""},
                                                {{"mongodb", "a collection of MongoDB"}, kMongoSource, kMongoEnv}};
  return parts;
}

const std::vector<TargetPart>& Targets() {
  static const std::vector<TargetPart> parts = {{{"iceberg", "Iceberg tables over Parquet, and a model"}, kIceberg, ""},
                                                {{"json", "JSON lines in files, by hour"}, kJson, ""},
                                                {{"mongodb", "documents in MongoDB"}, kMongoTarget, kMongoEnv},
                                                {{"dynamodb", "items in DynamoDB"}, kDynamo, ""},
                                                {{"firestore", "documents in Firestore"}, kFirestore, ""}};
  return parts;
}

template <typename Part>
std::vector<InitWord> WordsOf(const std::vector<Part>& parts) {
  std::vector<InitWord> words;
  for (const auto& part : parts) words.push_back(part.word);
  return words;
}

template <typename Part>
const Part& Chosen(const std::vector<Part>& parts, const std::string& word, const char* option) {
  const auto found = std::ranges::find_if(parts, [&](const auto& part) { return part.word.word == word; });
  if (found != parts.end()) return *found;
  std::vector<std::string> words;
  for (const auto& part : parts) words.emplace_back(part.word.word);
  throw Error(ErrorCode::kUsage, fmt::format("{}: there is no '{}'{}", option, word, Suggest(word, words)));
}

/// Quoted, so that any name is text.
std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string Yaml(const InitChoice& choice, const SourcePart& source, const TargetPart& target) {
  std::string text = fmt::format(
      "# From {} to {}. `millrace check` says what is wrong with it, `millrace doctor` tries what it needs.\n"
      "# Every option: docs/reference.md, or `millrace docs reference`.\n"
      "name: {}    # stands in what it writes; never change it once something has landed\n\n",
      source.word.says, target.word.says, Quoted(choice.name));
  text += source.yaml;
  if (!source.yaml.ends_with("below.\n") && !source.yaml.ends_with("events`.\n")) text += '\n';
  text += target.yaml;
  text += kServer;
  text +=
      choice.from == "http" ? "server: { listen: \"127.0.0.1:8080\" }\n" : "# server: { listen: \"127.0.0.1:8080\" }\n";
  return text;
}

constexpr std::string_view kSample =
    R"({"id":1,"type":"order","customer":{"city":"Lyon"},"amount":12.5,"at":"2026-03-01T09:30:00Z"}
{"id":2,"type":"order","customer":{"city":"Graz"},"amount":7,"at":"2026-03-01T10:12:00Z"}
{"id":3,"type":"refund","customer":{"city":"Lyon"},"amount":-12.5,"at":"2026-03-02T08:01:00Z"}
)";

}  // namespace

const std::vector<InitWord>& InitSources() {
  static const auto words = WordsOf(Sources());
  return words;
}

const std::vector<InitWord>& InitTargets() {
  static const auto words = WordsOf(Targets());
  return words;
}

std::vector<InitFile> InitFiles(const InitChoice& choice) {
  const auto& source = Chosen(Sources(), choice.from, "--from");
  const auto& target = Chosen(Targets(), choice.to, "--to");
  std::vector<InitFile> files = {{"millrace.yaml", Yaml(choice, source, target)},
                                 {".gitignore", "millrace-data/\n.env\n"}};
  if (choice.to == "iceberg") files.push_back({"models/gold/events_by_hour.sql", std::string(kModel)});
  if (choice.from == "files") files.push_back({"in/example.jsonl", std::string(kSample)});
  const auto env = source.env.empty() ? target.env : source.env;
  if (!env.empty())
    files.push_back({".env", "# Secrets of millrace.yaml, not for the repository.\n" + std::string(env)});
  return files;
}

std::string InitNextSteps(const InitChoice& choice) {
  const bool ends = choice.from == "generator" || choice.from == "files";
  const bool alone = ends && (choice.to == "iceberg" || choice.to == "json");
  std::string steps = "  millrace check                 what is wrong with it\n";
  if (!alone) steps += "  millrace doctor                whether what it needs is there and lets it in\n";
  steps += ends ? "  millrace run --until-idle      take what is there, then end\n"
                : "  millrace run                   until Ctrl-C\n";
  if (choice.to == "iceberg") {
    steps += "  millrace query \"SELECT * FROM silver.events LIMIT 5\"\n";
  } else if (choice.to == "json") {
    steps += "  find millrace-data/lake -name '*.jsonl.gz'\n";
  }
  return steps + "  millrace status --why          what each table waits for\n";
}

}  // namespace millrace::app
