#include "app/table_sinks.h"

#include <arrow/type.h>
#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "app/files_block.h"
#include "app/glue_files.h"
#include "app/proto_files.h"
#include "base/error.h"
#include "decode/avro/avro_change_decoder.h"
#include "decode/avro/avro_decoder.h"
#include "decode/change_decoder.h"
#include "decode/framed_decoder.h"
#include "decode/json_decoder.h"
#include "decode/protobuf/protobuf_decoder.h"
#include "land/files_sink.h"
#include "land/metadata_columns.h"
#include "land/quarantine.h"
#include "land/table_sink.h"
#include "schema/schema.h"

namespace millrace::app {
namespace {

/// The first rows of a run are visible after this part of `freshness`, and not before this time.
constexpr int kFirstPart = 20;
constexpr std::chrono::milliseconds kFirstFreshnessMin{500};

/// Lanes of all tables together, for each core: enough for a few busy tables to use all cores, and few enough for
/// hundreds of them to share a machine. A lane has a thread, files of its own in each commit and what it decodes.
constexpr int kLanesACore = 4;

int LanesBeside(size_t tables) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return std::clamp(kLanesACore * cores / static_cast<int>(std::max<size_t>(tables, 1)), 1, cores);
}

schema::ContractMode ModeOf(ContractWord word) {
  switch (word) {
    case ContractWord::kEvolve:
      return schema::ContractMode::kEvolve;
    case ContractWord::kFreeze:
      return schema::ContractMode::kFreeze;
    case ContractWord::kDiscardValue:
      return schema::ContractMode::kDiscardValue;
    case ContractWord::kDiscardRow:
      return schema::ContractMode::kDiscardRow;
  }
  return schema::ContractMode::kEvolve;
}

land::UpsertMode ModeOf(UpsertWriteWord word) {
  switch (word) {
    case UpsertWriteWord::kMergeOnRead:
      return land::UpsertMode::kMergeOnRead;
    case UpsertWriteWord::kCopyOnWrite:
      return land::UpsertMode::kCopyOnWrite;
    case UpsertWriteWord::kEqualityDeletes:
      return land::UpsertMode::kEqualityDeletes;
  }
  return land::UpsertMode::kMergeOnRead;
}

/// Whether a path names a field of Debezium's envelope beside the row.
bool IsOfEnvelope(const std::string& path) {
  return path.starts_with("source.") || path == "op" || path == "ts_ms" || path == "ts_us" || path == "ts_ns";
}

decode::ChangeForm ChangeFormOf(const TableConfig& table) {
  const auto& upsert = *table.upsert;
  decode::ChangeForm form;
  form.key = table.key;
  form.operation = upsert.operation;
  form.delete_values = upsert.delete_values;
  form.add_fields = upsert.add_fields;
  form.order_by = upsert.order_by;
  if (upsert.envelope != EnvelopeWord::kDebezium) return form;
  form.envelope = decode::ChangeForm::Envelope::kDebezium;
  if (IsOfEnvelope(upsert.order_by)) {
    if (std::ranges::find(form.add_fields, upsert.order_by) == form.add_fields.end()) {
      form.add_fields.push_back(upsert.order_by);
    }
    form.order_by = decode::AddedColumn(upsert.order_by);
  }
  return form;
}

/// A sink of files that a table of Glue follows: every batch is looked at for its columns.
class FollowedFiles final : public event::Sink {
 public:
  FollowedFiles(land::FilesSink& sink, GlueFiles& glue) : sink_(sink), glue_(glue) {}

  event::Positions Recover() override { return sink_.Recover(); }
  using event::Sink::Write;
  void Write(event::EventBatchPtr events, std::stop_token stop) override {
    glue_.Learn(*events);
    sink_.Write(std::move(events), std::move(stop));
  }
  bool CommitDue() const override { return sink_.CommitDue(); }
  event::CommitOutcome Commit(std::stop_token stop) override { return sink_.Commit(std::move(stop)); }
  event::Positions positions() const override { return sink_.positions(); }
  event::SinkCounts counts() const override { return sink_.counts(); }
  event::Wait WaitsFor() const override { return sink_.WaitsFor(); }

 private:
  land::FilesSink& sink_;
  GlueFiles& glue_;
};

/// A sink of files and what it borrows.
struct FilesLanding {
  std::shared_ptr<io::ObjectStore> store;
  land::QuarantineWriter quarantine;
  land::FilesSink sink;
  std::unique_ptr<GlueFiles> glue = {};
  std::optional<FollowedFiles> followed = {};

  FilesLanding(FilesPlace place, Lake& lake, land::QuarantineOptions quarantine_options, land::FilesSinkOptions options,
               ByteBudget& budget)
      : store(std::move(place.store)),
        quarantine(*lake.catalog, std::move(quarantine_options), budget),
        sink(*store, std::move(options), budget, &quarantine) {}
};

std::shared_ptr<event::Sink> MakeFilesSink(const PipelineConfig& pipeline, const std::string& name,
                                           const TableConfig& table, const DataDirectory& directory, Lake& lake,
                                           ByteBudget& budget) {
  auto place = FilesPlaceOf(pipeline, name, lake, FilesUse::kWrite);
  land::FilesSinkOptions options;
  options.pipeline = place.owner;
  options.encoding = FilesEncodingOf(table);
  options.encoding.prefix = place.prefix;
  options.buffer_bytes = table.files->buffer_size.bytes;
  options.buffer_time = table.files->buffer_time;
  if (HasColumns(*table.files)) {
    auto columns = table;
    columns.metadata = table.files->record == FilesRecordWord::kOrigin;
    options.decoder = [columns = std::move(columns), schemas = SchemasOf(pipeline, table, directory)] {
      return MakeDecoder(columns, schemas);
    };
  }
  std::unique_ptr<GlueFiles> glue;
  if (table.files->glue) {
    glue = std::make_unique<GlueFiles>(pipeline, name, place);
    options.before_objects = [follower = glue.get()](const land::FilesPlan& plan) { follower->Register(plan); };
  }
  land::QuarantineOptions quarantine{.target = catalog::ParseTableName(name), .scope = pipeline.name};
  auto landing =
      std::make_shared<FilesLanding>(std::move(place), lake, std::move(quarantine), std::move(options), budget);
  if (!glue) return {landing, &landing->sink};
  landing->glue = std::move(glue);
  landing->followed.emplace(landing->sink, *landing->glue);
  return {landing, &*landing->followed};
}

/// Null when none are declared.
std::shared_ptr<arrow::Schema> DeclaredColumns(const TableConfig& table, std::set<std::string>& json_columns) {
  schema::Schema columns;
  for (const auto& [column, type] : table.columns) {
    schema::Field field;
    field.name = column;
    field.type = type == kJsonType ? schema::Type(schema::PrimitiveType{}) : schema::ParseType(type);
    if (type == kJsonType) json_columns.insert(column);
    columns.fields.push_back(std::move(field));
  }
  return columns.fields.empty() ? nullptr : schema::ToArrow(columns);
}

decode::AvroFraming FramingOf(FramingWord framing) {
  switch (framing) {
    case FramingWord::kConfluent:
      return decode::AvroFraming::kConfluent;
    case FramingWord::kSingleObject:
      return decode::AvroFraming::kSingleObject;
    case FramingWord::kNone:
      return decode::AvroFraming::kNone;
  }
  return decode::AvroFraming::kConfluent;
}

/// What decoders of formats whose writers have schemas share.
template <typename Options>
Options OptionsBySchema(const TableConfig& table, std::shared_ptr<schema::SchemaLookup> schemas) {
  Options options;
  for (const auto& field : MetadataOf(table).fields()) options.reserved_names.insert(field->name());
  // A writer's schema says what its types are to be: they evolve unless the contract says otherwise.
  options.contract.columns = ModeOf(table.contract.columns);
  if (table.contract.Given("types")) options.contract.types = ModeOf(table.contract.types);
  options.columns = DeclaredColumns(table, options.json_columns);
  options.schemas = std::move(schemas);
  return options;
}

/// A file, by each name that another one may import it by: how much of its path is in there is not known.
void AddImport(const std::string& path, decode::ProtobufDecoderOptions& options) {
  const auto text = ReadSchemaFile(path);
  options.files.push_back({.name = path, .text = text});
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    options.files.push_back({.name = path.substr(slash + 1), .text = text});
  }
}

std::unique_ptr<event::Decoder> MakeProtobufDecoder(const TableConfig& table,
                                                    std::shared_ptr<schema::SchemaLookup> schemas) {
  auto options = OptionsBySchema<decode::ProtobufDecoderOptions>(table, std::move(schemas));
  const auto& files = table.protobuf.schemas;
  for (size_t i = 0; i + 1 < files.size(); ++i) AddImport(files[i].value, options);
  if (files.size() == 1) {
    for (auto& file : ReadProtoFiles(files.front().value)) options.files.push_back({file.name, std::move(file.text)});
  } else if (!files.empty()) {
    options.files.push_back({.name = files.back().value, .text = ReadSchemaFile(files.back().value)});
  }
  options.message = table.protobuf.message;
  if (table.upsert) options.changes = ChangeFormOf(table);
  return std::make_unique<decode::ProtobufDecoder>(std::move(options));
}

std::unique_ptr<event::Decoder> MakeAvroDecoder(const TableConfig& table,
                                                std::shared_ptr<schema::SchemaLookup> schemas) {
  auto options = OptionsBySchema<decode::AvroDecoderOptions>(table, std::move(schemas));
  options.framing = FramingOf(table.avro.framing);
  for (const auto& path : table.avro.schemas) options.known_schemas.push_back(ReadSchemaFile(path.value));
  if (table.upsert) return std::make_unique<decode::AvroChangeDecoder>(ChangeFormOf(table), std::move(options));
  return std::make_unique<decode::AvroDecoder>(std::move(options));
}

}  // namespace

land::MetadataColumns MetadataOf(const TableConfig& table) {
  return land::MetadataColumns({.origin = table.metadata, .headers = table.headers});
}

std::unique_ptr<event::Decoder> MakeDecoder(const TableConfig& table, std::shared_ptr<schema::SchemaLookup> schemas) {
  if (table.format == RecordFormat::kAvro) return MakeAvroDecoder(table, std::move(schemas));
  if (table.format == RecordFormat::kProtobuf) return MakeProtobufDecoder(table, std::move(schemas));
  decode::JsonDecoderOptions options;
  for (const auto& field : MetadataOf(table).fields()) options.reserved_names.insert(field->name());
  options.contract = {ModeOf(table.contract.columns), ModeOf(table.contract.types)};
  options.columns = DeclaredColumns(table, options.json_columns);
  std::unique_ptr<event::Decoder> decoder;
  if (table.upsert) {
    decoder = std::make_unique<decode::ChangeDecoder>(ChangeFormOf(table), std::move(options));
  } else {
    decoder = std::make_unique<decode::JsonDecoder>(std::move(options));
  }
  if (table.format == RecordFormat::kJson) return decoder;
  return std::make_unique<decode::FramedDecoder>(std::move(decoder), std::move(schemas), schema::SchemaKind::kJson);
}

land::TableSinkOptions TableSinkOptionsFor(const PipelineConfig& pipeline, const std::string& name,
                                           const TableConfig& table, const DataDirectory& directory) {
  land::TableSinkOptions options;
  options.table.name = catalog::ParseTableName(name);
  if (table.iceberg) {
    if (table.iceberg->Given("partition_by")) options.table.partition_by = table.iceberg->partition_by;
    if (table.iceberg->Given("sort_by")) options.table.sort_by = table.iceberg->sort_by;
    if (table.iceberg->format_version) {
      options.table.format_version = static_cast<int32_t>(*table.iceberg->format_version);
    }
    options.table.properties = table.iceberg->properties;
    options.table.create = table.iceberg->create;
  }
  options.scope = pipeline.name;
  options.decoder = [table, schemas = SchemasOf(pipeline, table, directory)] { return MakeDecoder(table, schemas); };
  options.freshness = table.freshness;
  options.file_size_bytes = table.file_size.bytes;
  options.metadata_columns = {.origin = table.metadata, .headers = table.headers};
  options.key = table.key;
  if (table.upsert) {
    options.upsert = {.order_by = ChangeFormOf(table).order_by, .mode = ModeOf(table.upsert->write)};
  }
  options.key_index_folder = directory.path() / "keys" / name;
  options.spill_folder = directory.path() / "spill";
  return options;
}

std::shared_ptr<event::Sink> MakeSink(const PipelineConfig& pipeline, const std::string& name, const TableConfig& table,
                                      const DataDirectory& directory, Lake& lake, ByteBudget& budget, bool goes_on) {
  if (table.files) return MakeFilesSink(pipeline, name, table, directory, lake, budget);
  auto options = TableSinkOptionsFor(pipeline, name, table, directory);
  options.lanes = LanesBeside(pipeline.tables.size());
  options.first_freshness =
      goes_on ? std::max<std::chrono::milliseconds>(options.freshness / kFirstPart, kFirstFreshnessMin)
              : options.freshness;
  return std::make_shared<land::TableSink>(*lake.catalog, std::move(options), budget);
}

}  // namespace millrace::app
