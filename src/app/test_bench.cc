#include "app/test_bench.h"

#include <arrow/api.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "app/engine_options.h"
#include "app/lake.h"
#include "app/model_files.h"
#include "app/row_differences.h"
#include "app/table_sinks.h"
#include "base/error.h"
#include "event/event_batch.h"
#include "query/sql_text.h"
#include "refine/runner.h"
#include "refine/selection.h"
#include "schema/schema.h"

namespace millrace::app {
namespace {

using query::QuoteName;
using query::QuoteText;
using Json = nlohmann::ordered_json;

constexpr int64_t kBudgetBytes = int64_t{128} << 20;

class TestClock final : public Clock {
 public:
  explicit TestClock(std::optional<Timestamp> now) : now_(now) {}
  Timestamp Now() const override { return now_ ? *now_ : System().Now(); }
  SteadyTime Steady() const override { return System().Steady(); }
  bool SleepFor(std::chrono::nanoseconds duration, std::stop_token stop) const override {
    return System().SleepFor(duration, std::move(stop));
  }

 private:
  const std::optional<Timestamp> now_;
};

class TestFolder {
 public:
  TestFolder() : path_((std::filesystem::temp_directory_path() / "millrace-test-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr)
      throw Error(ErrorCode::kUnavailable, fmt::format("cannot make the folder {}", path_));
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The pipeline with everything that it reaches outside taken away.
PipelineConfig Apart(PipelineConfig pipeline, const std::string& folder) {
  pipeline.data_dir.value = folder + "/data";
  pipeline.lake.warehouse.reset();
  pipeline.lake.catalog = {};
  pipeline.schema_registry.reset();
  return pipeline;
}

event::EventBatchPtr BatchOf(const TestRows& rows, const std::string& topic, Timestamp at) {
  auto batch = std::make_shared<event::EventBatch>();
  std::string payload;
  for (const auto& row : rows.rows) {
    const auto text = row.dump();
    batch->records.push_back({static_cast<uint32_t>(payload.size()), static_cast<uint32_t>(text.size())});
    payload += text + "\n";
  }
  batch->payload = PaddedBuffer::CopyOf(payload);
  batch->newline_joined = true;
  batch->ingested_at = at;
  batch->split = event::SplitId("0");
  batch->end = event::Cursor(std::to_string(rows.rows.size()));
  batch->topic = topic;
  return batch;
}

class Bench {
 public:
  Bench(const PipelineConfig& pipeline, const TestCase& test, std::stop_token stop)
      : test_(test),
        stop_(std::move(stop)),
        pipeline_(Apart(pipeline, folder_.path())),
        clock_(test.now),
        directory_(DataDirectory::OpenToWrite(pipeline_.data_dir.value)),
        lake_(OpenLake(pipeline_, directory_)),
        budget_(kBudgetBytes),
        engine_(*lake_.catalog, Options()) {}

  std::vector<std::string> Run() {
    for (const auto& [name, rows] : test_.given) Give(name, rows);
    auto models = ModelsOf(pipeline_, refine::ModelEngine::kDuckDb);
    std::erase_if(models, [&](const auto& model) { return test_.given.contains(ToString(model.name)); });
    refine::Graph graph(std::move(models), engine_);
    views_ = graph.views();
    const auto chosen = Chosen(graph);
    refine::Runner runner(*lake_.catalog, engine_, budget_, std::move(graph), clock_);
    if (chosen) reports_ = runner.Run(*chosen, {}, stop_);
    CheckErrors();
    CheckBroken();
    if (test_.error.empty()) {
      for (const auto& [name, rows] : test_.expect) CheckRows(name, rows);
    }
    return std::move(differences_);
  }

 private:
  query::EngineOptions Options() const {
    return {.memory_bytes = kBudgetBytes, .threads = 1, .spill_directory = folder_.path() + "/spill", .now = test_.now};
  }

  [[noreturn]] void Fail(int line, const std::string& what) const {
    throw Error(ErrorCode::kConfig, fmt::format("{}:{}: {}", test_.file.string(), line, what));
  }

  /// A topic feeds the tables that are made from it.
  void Give(const std::string& name, const TestRows& rows) {
    if (name.find('.') != std::string::npos) {
      const auto declared = pipeline_.tables.find(name);
      return Land(name, declared == pipeline_.tables.end() ? nullptr : &declared->second, rows, name);
    }
    bool any = false;
    for (const auto& [table, config] : pipeline_.tables) {
      if (config.from != name || config.files) continue;
      Land(table, &config, rows, name);
      any = true;
    }
    if (!any)
      Fail(
          rows.line,
          fmt::format("'{}' is no table (namespace.name), and no Iceberg table of the pipeline is made from it", name));
  }

  void Land(const std::string& name, const TableConfig* declared, const TestRows& rows, const std::string& topic) {
    TableConfig config = declared != nullptr ? *declared : TableConfig{};
    if (declared == nullptr) config.file_size.bytes = kBudgetBytes;
    if (config.files) Fail(rows.line, fmt::format("{} is a table of plain files, which no model reads", name));
    config.format = RecordFormat::kJson;
    for (const auto& [column, type] : rows.columns) config.columns[column] = type;
    if (rows.rows.empty()) return MakeEmpty(name, config, rows);
    auto options = TableSinkOptionsFor(pipeline_, name, config, directory_);
    options.lanes = 1;
    land::TableSink sink(*lake_.catalog, std::move(options), budget_, clock_);
    sink.Recover();
    sink.Write(BatchOf(rows, topic, clock_.Now()), stop_);
    sink.Commit(stop_);
  }

  void MakeEmpty(const std::string& name, const TableConfig& config, const TestRows& rows) {
    if (config.columns.empty())
      Fail(rows.line, fmt::format("{} has no rows to tell its columns by; give them: columns: {{id: long}}", name));
    schema::Schema columns;
    for (const auto& [column, type] : config.columns) {
      schema::Field field;
      field.name = column;
      field.type = schema::ParseType(type == "json" ? "string" : type);
      columns.fields.push_back(std::move(field));
    }
    schema::AssignIds(columns, 0);
    const auto table = catalog::ParseTableName(name);
    lake_.catalog->EnsureNamespace(table.name_space);
    lake_.catalog->Create(
        {.name = table, .schema = columns, .spec = {}, .sort_order = {}, .properties = {}, .location = ""});
  }

  /// nullopt: none is to run.
  std::optional<std::vector<catalog::TableName>> Chosen(const refine::Graph& graph) const {
    auto words = test_.models;
    if (words.empty()) {
      std::set<std::string> names;
      for (const auto& [name, rows] : test_.expect) names.insert(name);
      for (const auto& [name, counts] : test_.broken) names.insert(name);
      for (const auto& node : graph.nodes()) {
        if (names.contains(ToString(node.model.name))) words.push_back("+" + ToString(node.model.name));
      }
      if (words.empty() && test_.broken.empty() && test_.error.empty()) return std::nullopt;
    }
    if (graph.nodes().empty()) return std::nullopt;
    return refine::Select(graph, words);
  }

  void CheckErrors() {
    std::string errors;
    for (const auto& report : reports_) {
      const bool failed = report.outcome == refine::RunReport::Outcome::kFailed;
      const bool waits = report.outcome == refine::RunReport::Outcome::kNothing && report.why.starts_with("waits for");
      if (failed || (waits && test_.expect.contains(ToString(report.model))))
        errors += (errors.empty() ? "" : "; ") + (waits ? ToString(report.model) + " " : std::string()) + report.why;
    }
    if (test_.error.empty() && !errors.empty()) differences_.push_back("error       " + errors);
    if (!test_.error.empty() && errors.find(test_.error) == std::string::npos)
      differences_.push_back(
          fmt::format("error       expected \"{}\", got {}", test_.error, errors.empty() ? "none" : errors));
  }

  /// Of whole tables an expectation that is broken without a count of rows counts as one.
  void CheckBroken() {
    for (const auto& [model, counts] : test_.broken) {
      for (const auto& [condition, expected] : counts) {
        std::optional<int64_t> found;
        std::vector<std::string> known;
        for (const auto& report : reports_) {
          if (!model.empty() && ToString(report.model) != model) continue;
          for (const auto& expectation : report.expectations) {
            known.push_back(expectation.condition);
            if (expectation.condition != condition) continue;
            found = found.value_or(0) + (expectation.met ? 0 : std::max<int64_t>(expectation.violations, 1));
          }
        }
        const auto where = model.empty() ? std::string() : model + ": ";
        if (!found) {
          differences_.push_back(fmt::format("broken      {}no expectation `{}` was checked; there are: {}", where,
                                             condition, fmt::join(known, "; ")));
        } else if (*found != expected) {
          differences_.push_back(
              fmt::format("broken      {}`{}` expected {}, got {}", where, condition, expected, *found));
        }
      }
    }
  }

  TextRows Ask(const std::string& sql, const std::vector<std::string>& columns) {
    query::QueryOptions options;
    options.views = views_;
    const auto result = engine_.Run(sql, options, stop_);
    TextRows rows{.columns = columns, .rows = {}};
    while (const auto batch = result->Next()) {
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        auto& values = rows.rows.emplace_back();
        for (const auto& column : batch->columns()) {
          const auto& text = static_cast<const arrow::StringArray&>(*column);
          values.push_back(text.IsNull(row) ? std::nullopt : std::optional(text.GetString(row)));
        }
      }
    }
    return rows;
  }

  /// The value as the column's type prints it; what is no value of that type as it stands.
  static std::string Expected(const Json& value, const std::string& type) {
    if (value.is_null()) return "CAST(NULL AS VARCHAR)";
    const auto text = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_number() || value.is_boolean()) {
      return fmt::format(
          "coalesce(CASE WHEN TRY_CAST({0} AS {1}) = {0} THEN CAST(TRY_CAST({0} AS {1}) AS VARCHAR) END, {2})", text,
          type, QuoteText(text));
    }
    const auto typed = value.is_string() ? QuoteText(text) : fmt::format("CAST({} AS JSON)", QuoteText(text));
    return fmt::format("coalesce(CAST(TRY_CAST({} AS {}) AS VARCHAR), {})", typed, type, QuoteText(text));
  }

  void CheckRows(const std::string& name, const TestRows& expected) {
    const auto from = query::SqlName(catalog::ParseTableName(name));
    std::vector<std::string> columns;
    for (const auto& row : expected.rows) {
      for (const auto& [column, value] : row.items()) {
        if (std::ranges::find(columns, column) == columns.end()) columns.push_back(column);
      }
    }
    try {
      if (columns.empty()) {
        const auto count = Ask("SELECT CAST(count(*) AS VARCHAR) FROM " + from, {"n"});
        if (count.rows[0][0] != "0")
          differences_.push_back(fmt::format("{}: expected no rows, got {}", name, *count.rows[0][0]));
        return;
      }
      Compare(name, from, columns, expected);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kData) throw;
      differences_.push_back(fmt::format("{}: {}", name, error.what()));
    }
  }

  void Compare(const std::string& name, const std::string& from, const std::vector<std::string>& columns,
               const TestRows& expected) {
    std::string types, actual;
    for (const auto& column : columns) {
      types += (types.empty() ? "" : ", ") + fmt::format("typeof(t.{})", QuoteName(column));
      actual += (actual.empty() ? "" : ", ") + fmt::format("CAST({} AS VARCHAR)", QuoteName(column));
    }
    const auto of =
        Ask(fmt::format("SELECT {} FROM (SELECT 1) LEFT JOIN (SELECT * FROM {} LIMIT 1) AS t ON true", types, from),
            columns);
    std::string wanted;
    for (const auto& row : expected.rows) {
      std::string values;
      for (size_t i = 0; i < columns.size(); ++i) {
        const auto found = row.find(columns[i]);
        values += (values.empty() ? "" : ", ") + Expected(found == row.end() ? Json() : *found, of.rows[0][i].value());
      }
      wanted += (wanted.empty() ? "VALUES (" : ", (") + values + ")";
    }
    const auto rows = Ask("SELECT * FROM (" + wanted + ")", columns);
    const auto got = Ask(fmt::format("SELECT {} FROM {}", actual, from), columns);
    const auto lines = RowDifferences(rows, got, expected.ordered);
    if (lines.empty()) return;
    differences_.push_back(
        fmt::format("{} (line {}): expected {} rows, got {}", name, expected.line, rows.rows.size(), got.rows.size()));
    for (const auto& line : lines) differences_.push_back("  " + line);
  }

  const TestCase& test_;
  const std::stop_token stop_;
  const TestFolder folder_;
  const PipelineConfig pipeline_;
  const TestClock clock_;
  DataDirectory directory_;
  Lake lake_;
  ByteBudget budget_;
  query::Engine engine_;
  std::map<catalog::TableName, std::string> views_;
  std::vector<refine::RunReport> reports_;
  std::vector<std::string> differences_;
};

}  // namespace

std::vector<std::string> RunTest(const PipelineConfig& pipeline, const TestCase& test, const std::stop_token& stop) {
  return Bench(pipeline, test, stop).Run();
}

}  // namespace millrace::app
