#include "connect/iceberg_properties.h"

#include <utility>

#include "connect/common_properties.h"
#include "connect/declarations.h"

namespace millrace::connect {
namespace {

using enum PropertyType;
using enum Importance;

const char* const kNoRoutes =
    "a table takes all records of its topics: give each its topic by a connector of its own, or sort them out with "
    "models (docs/models.md)";
const char* const kNoControl = "positions stand in the table's own snapshots: there is no control topic";
const char* const kBranch = "rows land on `main`; `millrace offsets replay` is what uses branches";

void AddTables(Declarations& list) {
  list.Add("iceberg.tables", kList, std::nullopt, kHigh, {},
           Honoured("the names of the blocks in `tables:`; several tables take all records each"),
           "The tables to land in, namespace.table.")
      .Add("iceberg.tables.dynamic-enabled", kBoolean, "false", kMedium, {}, Refused(kNoRoutes),
           "Whether the value of the route field is the table's name.")
      .Add("iceberg.tables.route-field", kString, std::nullopt, kMedium, {}, Refused(kNoRoutes),
           "The field that says which table a record goes to.")
      .Add("iceberg.tables.default-commit-branch", kString, std::nullopt, kMedium, {}, Refused(kBranch),
           "The branch that commits go to.")
      .Allowing({"main"})
      .Add("iceberg.tables.default-id-columns", kString, std::nullopt, kMedium, {},
           Honoured(
               "`key`, where `iceberg.tables.upsert-mode-enabled` or `iceberg.tables.cdc-field` makes rows of a key "
               "replace each other; by themselves they would change nothing but the table's description, and are "
               "refused"),
           "The columns that tell rows apart.")
      .Add("iceberg.tables.default-partition-by", kString, std::nullopt, kMedium, {},
           Honoured("`iceberg.partition_by`"), "How tables are partitioned when they are made.")
      .Add("iceberg.tables.auto-create-enabled", kBoolean, "false", kMedium, {},
           Honoured("`iceberg.create`: whether a table that is missing is made or is an error"),
           "Whether tables that are missing are made.")
      .Add("iceberg.tables.schema-force-optional", kBoolean, "false", kMedium, {},
           NoMeaning("columns are optional in any case"), "Whether columns are optional even if the record's are not.")
      .Add("iceberg.tables.schema-case-insensitive", kBoolean, "false", kMedium, {},
           Refused("columns are found by their exact names"), "Whether columns are found whatever their case.")
      .Add("iceberg.tables.evolve-schema-enabled", kBoolean, "false", kMedium, {},
           Honoured(
               "`contract.columns`: `evolve`; without it `discard_value`, which keeps the values of columns that the "
               "table does not have in its `_rescued` column"),
           "Whether new fields become columns.");
}

void AddCommits(Declarations& list) {
  list.Add("iceberg.catalog", kString, "iceberg", kMedium, {}, NoMeaning("the name is not stored anywhere"),
           "What the catalogue is called.")
      .Add("iceberg.control.topic", kString, "control-iceberg", kMedium, {}, NoMeaning(kNoControl),
           "The topic that coordinates commits.")
      .Add("iceberg.control.group-id-prefix", kString, "cg-control-", kLow, {}, NoMeaning(kNoControl),
           "How consumer groups of that topic are called.")
      .Add("iceberg.connect.group-id", kString, std::nullopt, kLow, {}, NoMeaning(kNoControl),
           "The consumer group of the connector.")
      .Add("iceberg.control.commit.interval-ms", kInt, "300000", kMedium, {}, Honoured("`freshness`"),
           "How often is committed.")
      .Add("iceberg.control.commit.timeout-ms", kInt, "30000", kMedium, {},
           NoMeaning("no worker waits for another: each commits what it has read"), "How long workers are waited for.")
      .Add("iceberg.control.commit.threads", kInt, "4", kMedium, {}, NoMeaning("tables commit side by side anyway"),
           "How many tables are committed at a time.")
      .Add("iceberg.coordinator.transactional.prefix", kString, std::nullopt, kLow, {}, NoMeaning(kNoControl),
           "How transactions of that topic are called.")
      .Add("iceberg.hadoop-conf-dir", kString, std::nullopt, kMedium, {},
           Refused("there is no Hadoop here; give the store by `iceberg.catalog.s3.*`"),
           "A folder with Hadoop's configuration.")
      .Add("iceberg.coordinator-executor-keep-alive-timeout-ms", kLong, "120000", kLow, {},
           NoMeaning("there is no coordinator"), "How long idle threads of the coordinator stay.")
      .Add("iceberg.control.commit.max-consecutive-failures", kInt, "1", kMedium, {},
           NoMeaning("a commit that fails is tried again until it is through"), "How many commits may fail in a row.");
}

void AddTableFamilies(Declarations& list) {
  list.Add("iceberg.table.<table>.id-columns", kString, std::nullopt, kMedium, {},
           Honoured("`key` of this table, as iceberg.tables.default-id-columns"), "The columns that tell rows apart.")
      .Add("iceberg.table.<table>.partition-by", kString, std::nullopt, kMedium, {},
           Honoured("`iceberg.partition_by` of this table"), "How the table is partitioned when it is made.")
      .Add("iceberg.table.<table>.commit-branch", kString, std::nullopt, kMedium, {}, Refused(kBranch),
           "The branch that commits go to.")
      .Allowing({"main"})
      .Add("iceberg.table.<table>.route-regex", kString, std::nullopt, kMedium, {}, Refused(kNoRoutes),
           "Which values of the route field are this table's.")
      .Add("iceberg.tables.upsert-mode-enabled", kBoolean, "false", kMedium, {},
           Honoured("`upsert: {}` with `key`; of Tabular's class"), "Whether rows of a key replace each other.")
      .Add("iceberg.tables.cdc-field", kString, std::nullopt, kMedium, {},
           Honoured("`upsert.operation` with `key`; of Tabular's class"), "The field that says what a change does.")
      .Add("iceberg.tables.auto-create-props.*", kString, std::nullopt, kLow, {}, Honoured("`iceberg.properties`"),
           "Properties of tables that are made.")
      .Add("iceberg.tables.write-props.*", kString, std::nullopt, kLow, {}, Honoured("`iceberg.properties`"),
           "Properties that files are written by.")
      .Add("iceberg.kafka.*", kString, std::nullopt, kLow, {}, NoMeaning(kNoControl),
           "Settings of the clients of the control topic.")
      .Add("iceberg.hadoop.*", kString, std::nullopt, kLow, {},
           Refused("there is no Hadoop here; give the store by `iceberg.catalog.s3.*`"), "Hadoop's own properties.");
}

void AddCatalogFamilies(Declarations& list) {
  const auto add = [&](const char* name, Fate fate, const char* doc, PropertyType type = kString) {
    list.Add(std::string("iceberg.catalog.") + name, type, std::nullopt, kMedium, {}, std::move(fate), doc);
  };
  const auto* kCatalogs = "`rest`, `glue`, and `jdbc` with a file of SQLite";
  add("type", Honoured(std::string("`lake.catalog`: ") + kCatalogs), "The kind of catalogue.");
  add("catalog-impl", Honoured("the same by its class: RESTCatalog, GlueCatalog, JdbcCatalog"),
      "The class of the catalogue.");
  add("uri", Honoured("`lake.catalog.rest.uri`, or the file of `lake.catalog.sqlite.path` (jdbc:sqlite:FILE)"),
      "Where the catalogue is.");
  add("warehouse", Honoured("`lake.warehouse` where it is a place; with `rest` also `lake.catalog.rest.warehouse`"),
      "The catalogue's warehouse.");
  add("prefix", Honoured("`lake.catalog.rest.prefix`"), "Part of every path of the catalogue.");
  add("token", Honoured("`lake.catalog.rest.token`"), "A bearer token.", kPassword);
  add("credential", Honoured("`lake.catalog.rest.oauth2.client_id` and `client_secret`"), "client:secret.", kPassword);
  add("oauth2-server-uri", Honoured("`lake.catalog.rest.oauth2.server_uri`"), "Where tokens come from.");
  add("scope", Honoured("`lake.catalog.rest.oauth2.scope`"), "What tokens are for.");
  add("audience", Honoured("`lake.catalog.rest.oauth2.audience`"), "Whom tokens are for.");
  add("resource", Honoured("`lake.catalog.rest.oauth2.resource`"), "A resource that tokens are for.");
  add("rest.auth.type", NoMeaning("what is given says it: token, credential, sigv4"), "How the catalogue is asked.");
  add("rest.sigv4-enabled", Honoured("`lake.catalog.rest.sigv4`"), "Whether requests are signed.", kBoolean);
  add("rest.signing-name", Honoured("`lake.catalog.rest.sigv4.signing_name`"), "The service that is signed for.");
  add("rest.signing-region", Honoured("`lake.catalog.rest.sigv4.region`"), "Its region.");
  add("header.X-Iceberg-Access-Delegation", Honoured("`lake.catalog.rest.vended_credentials` (vended-credentials)"),
      "Whether the catalogue hands out keys to files.");
  add("header.*", Honoured("`lake.catalog.rest.headers`"), "Headers of every request to the catalogue.");
  add("io-impl", Honoured("S3FileIO, ResolvingFileIO, HadoopFileIO of local folders: what the warehouse says"),
      "The class that reads and writes files.");
  add("s3.endpoint", Honoured("`lake.s3.endpoint`"), "Where the bucket's service is.");
  add("s3.access-key-id", Honoured("`lake.s3.access_key`"), "The id of an access key.", kPassword);
  add("s3.secret-access-key", Honoured("`lake.s3.secret_key`"), "Its secret.", kPassword);
  add("s3.session-token", Honoured("`lake.s3.session_token`"), "The token of a short-lived key.", kPassword);
  add("s3.path-style-access", Honoured("`lake.s3.path_style`"), "Whether the bucket stands in the path.", kBoolean);
  add("s3.region", Honoured("`lake.s3.region`"), "The bucket's region.");
  add("client.region", Honoured("`lake.s3.region`, and `lake.catalog.glue.region`"), "The region of AWS's clients.");
  add("glue.endpoint", Honoured("`lake.catalog.glue.endpoint`"), "Where Glue is.");
  add("glue.id", Honoured("`lake.catalog.glue.catalog_id`"), "The account whose catalogue it is.");
  add("glue.skip-archive", NoMeaning("old versions of an entry are never kept"), "Whether old versions are kept.",
      kBoolean);
  add("jdbc.*", NoMeaning("of a file of SQLite there is nothing to set"), "Settings of the database.");
  add("cache-enabled", NoMeaning("what is known of tables is checked at every commit"), "Whether tables are kept.");
  add("*", Refused("this setting of the catalogue is not known here; remove it, or see `lake` in docs/reference.md"),
      "Other settings of the catalogue.");
}

}  // namespace

std::vector<Property> IcebergProperties() {
  Declarations list(SinkProperties(kIcebergVersion));
  AddTables(list);
  AddCommits(list);
  return std::move(list).Take();
}

std::vector<Property> IcebergFamilies() {
  Declarations list;
  AddTableFamilies(list);
  AddCatalogFamilies(list);
  return SinkFamilies(std::move(list).Take());
}

}  // namespace millrace::connect
