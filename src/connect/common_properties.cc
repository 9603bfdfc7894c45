#include "connect/common_properties.h"

#include <iterator>
#include <utility>

#include "connect/declarations.h"

namespace millrace::connect {
namespace {

using enum PropertyType;
using enum Importance;

constexpr const char* kJsonConverter = "org.apache.kafka.connect.json.JsonConverter";
constexpr const char* kStringConverter = "org.apache.kafka.connect.storage.StringConverter";
constexpr const char* kSimpleHeaderConverter = "org.apache.kafka.connect.storage.SimpleHeaderConverter";

const std::vector<std::string>& Converters() {
  static const std::vector<std::string> names{"io.confluent.connect.avro.AvroConverter",
                                              "io.confluent.connect.json.JsonSchemaConverter",
                                              "io.confluent.connect.protobuf.ProtobufConverter",
                                              "org.apache.kafka.connect.converters.BooleanConverter",
                                              "org.apache.kafka.connect.converters.ByteArrayConverter",
                                              "org.apache.kafka.connect.converters.DoubleConverter",
                                              "org.apache.kafka.connect.converters.FloatConverter",
                                              "org.apache.kafka.connect.converters.IntegerConverter",
                                              "org.apache.kafka.connect.converters.LongConverter",
                                              "org.apache.kafka.connect.converters.ShortConverter",
                                              kJsonConverter,
                                              kStringConverter};
  return names;
}

std::vector<std::string> HeaderConverters() {
  auto names = Converters();
  names.insert(names.end() - 1, kSimpleHeaderConverter);
  return names;
}

const char* const kNoPlugins = "connector classes are part of the program, in one version each";

void AddConverters(Declarations& list) {
  const auto version = [&](const char* side, const char* display) {
    list.Add(std::string(side) + ".converter.plugin.version", kString, "4.3.1", kLow, {"SHORT", display},
             NoMeaning("converters are part of the program"), "Which version of the converter to load.");
  };
  list.Add("key.converter", kClass, kStringConverter, kLow, {"SHORT", "Key converter class"},
           Honoured("how a record's key is read where something is made of it: `plain_keys` of documents; files and "
                    "tables do not look at keys"),
           "How the bytes of a record's key are read.")
      .OneOf(Converters());
  version("key", "Key converter version");
  list.Add("value.converter", kClass, kJsonConverter, kLow, {"SHORT", "Value converter class"},
           Honoured("`format` of a table, `record` of files; without it JSON as it stands in the topic"),
           "How the bytes of a record's value are read.")
      .OneOf(Converters());
  version("value", "Value converter version");
  list.Add("header.converter", kClass, kSimpleHeaderConverter, kLow, {"SHORT", "Header converter class"},
           NoMeaning("headers are not written anywhere by the connectors that are here"),
           "How the bytes of a record's headers are read.")
      .OneOf(HeaderConverters());
  version("header", "Header converter version");
}

Declarations ConnectorProperties(const std::string& version) {
  Declarations list;
  list.Group("Common")
      .Add("name", kString, std::nullopt, kHigh, {"MEDIUM", "Connector name"},
           Honoured("the prefix of the blocks' names in the YAML"), "The connector's name, one of its own.")
      .Required()
      .Add("connector.class", kString, std::nullopt, kHigh, {"LONG", "Connector class"},
           Honoured("what the connector is: by full name or alias"), "The class that does the work.")
      .Required()
      .Add("connector.plugin.version", kString, version, kMedium, {"MEDIUM", "Connector version"},
           NoMeaning(kNoPlugins), "Which version of the class to load.")
      .Add("tasks.max", kInt, "1", kHigh, {"SHORT", "Tasks max"},
           NoMeaning("each partition is read by itself, in as many threads as there are cores and in as many processes "
                     "as are started"),
           "The most tasks the connector is cut into.")
      .AtLeast(1)
      .Add("tasks.max.enforce", kBoolean, "true", kLow, {"SHORT", "Enforce tasks max"},
           NoMeaning("there are no tasks to count"), "Whether more tasks than tasks.max fail the connector.");
  AddConverters(list);
  list.Group("Transforms")
      .Add(
          "transforms", kList, "", kLow, {"LONG", "Transforms"},
          Refused("single message transforms do not run here; `where` and `transform` of documents are SQL, tables are "
                  "changed by models (docs/models.md), envelopes of Debezium by `upsert` (docs/cdc.md)"),
          "Aliases of transforms that each record passes.")
      .Order(12);
  list.Group("Predicates")
      .Add("predicates", kList, "", kLow, {"LONG", "Predicates"}, Refused("predicates belong to transforms"),
           "Aliases of predicates that transforms use.")
      .Order(13);
  list.Group("Common")
      .Add("config.action.reload", kString, "restart", kLow, {"MEDIUM", "Reload Action"},
           NoMeaning("values of a config provider are read when the connector starts"),
           "What happens when a config provider's value changes.")
      .Order(14);
  list.Group("Error Handling")
      .Add(
          "errors.retry.timeout", kLong, "0", kMedium, {"MEDIUM", "Retry Timeout for Errors"},
          NoMeaning("a store or a broker that does not answer is asked again for as long as it takes; reading a record "
                    "has nothing to try twice"),
          "How long a failed operation is tried again.")
      .Add("errors.retry.delay.max.ms", kLong, "60000", kMedium, {"MEDIUM", "Maximum Delay Between Retries for Errors"},
           NoMeaning("pauses grow by themselves, to 30 s at most"), "The longest pause between two tries.")
      .Add("errors.tolerance", kString, "none", kMedium, {"SHORT", "Error Tolerance"},
           Honoured("a record that cannot be read goes to quarantine with its bytes and the reason, whichever it says: "
                    "`none` does not stop the connector, `all` does not lose the record"),
           "Whether a record that cannot be read stops the connector.")
      .OneOf({"none", "all"})
      .Add("errors.log.enable", kBoolean, "false", kMedium, {"SHORT", "Log Errors"},
           NoMeaning("quarantine holds every record and why (`millrace quarantine list`); the log counts them"),
           "Whether each error is logged.")
      .Add("errors.log.include.messages", kBoolean, "false", kMedium, {"SHORT", "Log Error Details"},
           NoMeaning("quarantine holds the record itself; logs never hold data"),
           "Whether the log shows the record of an error.");
  return list;
}

std::vector<Property> Joined(std::vector<Property> own, std::vector<Property> common) {
  own.insert(own.end(), std::make_move_iterator(common.begin()), std::make_move_iterator(common.end()));
  return own;
}

Declarations ConverterFamilies() {
  Declarations list;
  list.Add(
          "value.converter.schemas.enable", kBoolean, "true", kMedium, {},
          Honoured("of JsonConverter. `false`: the record is the JSON in the topic. `true`, and where nothing is said "
                   "beside a value.converter: records are `{schema, payload}`, of which the S3 sink writes the payload "
                   "(`record: payload`) and the others are refused; other converters do not have it"),
          "Whether JSON records carry their schema.")
      .Add("value.converter.schema.registry.url", kString, std::nullopt, kHigh, {}, Honoured("`schema_registry.url`"),
           "The schema registry of the value's schemas.")
      .Add("value.converter.basic.auth.credentials.source", kString, "URL", kMedium, {},
           Honoured("USER_INFO: `schema_registry.username` and `password`"), "Where the registry's credentials stand.")
      .OneOf({"URL", "USER_INFO", "SASL_INHERIT"})
      .Add("value.converter.basic.auth.user.info", kPassword, std::nullopt, kMedium, {},
           Honoured("`schema_registry.username` and `schema_registry.password`"), "user:password at the registry.")
      .Add("value.converter.schema.registry.basic.auth.user.info", kPassword, std::nullopt, kMedium, {},
           Honoured("`schema_registry.username` and `schema_registry.password`"), "The same, by its older name.")
      .Add("value.converter.schemas.cache.size", kInt, "1000", kLow, {},
           NoMeaning("every schema that was asked for once is kept"), "How many schemas are kept.")
      .Add("value.converter.auto.register.schemas", kBoolean, "true", kMedium, {},
           NoMeaning("sinks register no schemas"), "Whether new schemas are registered.")
      .Add("value.converter.use.latest.version", kBoolean, "false", kLow, {},
           NoMeaning("a record is read by the schema it names"), "Whether the newest schema is written by.")
      .Add("value.converter.enhanced.avro.schema.support", kBoolean, "false", kMedium, {},
           NoMeaning("enums are text and names of types stay out of tables either way"),
           "Whether enums and names of Avro survive in Connect's schemas.")
      .Add("value.converter.decimal.format", kString, "BASE64", kLow, {},
           Refused("JSON stays as it is; decimals are declared by `columns: {name: decimal(p, s)}`"),
           "How decimals are written in JSON.")
      .Add("value.converter.encoding", kString, "UTF-8", kHigh, {}, Refused("text is UTF-8"), "The encoding of text.")
      .Allowing({"UTF8", "utf-8"})
      .Add("key.converter.*", kString, std::nullopt, kLow, {},
           NoMeaning("keys are text or JSON here; nothing of them needs a setting"), "Settings of the key's converter.")
      .Add("header.converter.*", kString, std::nullopt, kLow, {}, NoMeaning("headers are not written anywhere"),
           "Settings of the headers' converter.")
      .Add("confluent.*", kString, std::nullopt, kLow, {}, NoMeaning("there is no licence to look after"),
           "The licence of Confluent's connectors and the topic that keeps it.")
      .Add("errors.deadletterqueue.*", kString, std::nullopt, kLow, {},
           Refused("how the topic is made is the stream's affair: `stream.kafka`"), "More of the dead letter queue.");
  return list;
}

}  // namespace

std::vector<Property> SinkProperties(const std::string& version) {
  auto list = ConnectorProperties(version);
  list.Group("Common")
      .Add("topics", kList, "", kHigh, {"LONG", "Topics"}, Honoured("`from`: one block a topic"),
           "The topics to read, between commas.")
      .Order(4)
      .Add("topics.regex", kString, "", kHigh, {"LONG", "Topics regex"},
           Honoured("`from: ^(...)$`, also for topics that come later; needs a Kafka stream"),
           "A regular expression of the topics to read.")
      .Order(4);
  list.Group("Error Handling")
      .Add("errors.deadletterqueue.topic.name", kString, "", kMedium, {"MEDIUM", "Dead Letter Queue Topic Name"},
           Honoured("records in quarantine are written to this topic too, where the connector runs as a connector "
                    "(`POST /connectors`); in YAML, quarantine alone holds them"),
           "A topic that takes the records that could not be read.")
      .Order(6)
      .Add("errors.deadletterqueue.topic.replication.factor", kShort, "3", kMedium,
           {"MEDIUM", "Dead Letter Queue Topic Replication Factor"},
           NoMeaning("the topic is made as the stream makes topics, on as many brokers as there are, three at most"),
           "On how many brokers that topic lies when it is made.")
      .Order(7)
      .Add("errors.deadletterqueue.context.headers.enable", kBoolean, "false", kMedium,
           {"MEDIUM", "Enable Error Context Headers"},
           NoMeaning("quarantine says where a record came from and why it is there"),
           "Whether headers say why a record is in that topic.")
      .Order(8);
  return std::move(list).Take();
}

std::vector<Property> SourceProperties(const std::string& version) {
  auto list = ConnectorProperties(version);
  list.Group("Topic Creation")
      .Add("topic.creation.groups", kList, "", kLow, {"LONG", "Topic Creation Groups"},
           Refused("topics are declared in `topics:` of the configuration"), "Groups of topics that are made alike.");
  list.Group("Exactly Once Support")
      .Add("exactly.once.support", kString, "requested", kMedium, {"SHORT", "Exactly once support"},
           NoMeaning("every source is exactly once, into the embedded stream and into Kafka"),
           "Whether exactly once is demanded.")
      .OneOfAnyCase({"REQUIRED", "REQUESTED"})
      .Order(2)
      .Add("transaction.boundary", kString, "poll", kMedium, {"SHORT", "Transaction Boundary"},
           NoMeaning("records and positions are appended in one step, whatever its size"),
           "When a transaction of the source ends.")
      .OneOfAnyCase({"INTERVAL", "POLL", "CONNECTOR"})
      .Order(3)
      .Add("transaction.boundary.interval.ms", kLong, std::nullopt, kLow, {"SHORT", "Transaction boundary interval"},
           NoMeaning("records and positions are appended in one step"), "How long such a transaction is.")
      .Order(4);
  list.Group("offsets.topic")
      .Add("offsets.storage.topic", kString, std::nullopt, kLow, {"LONG", "Offsets topic"},
           NoMeaning("positions stand beside the records"), "A topic of the connector's own for its positions.");
  return std::move(list).Take();
}

std::vector<Property> SinkFamilies(std::vector<Property> own) {
  auto list = ConverterFamilies();
  list.Add("consumer.override.auto.offset.reset", kString, "earliest", kMedium, {},
           Honoured("`start`: where a table begins that has nothing yet; without it, at the earliest record"),
           "Where reading begins without a committed offset.")
      .OneOf({"earliest", "latest"})
      .Add("consumer.override.*", kString, std::nullopt, kLow, {},
           Refused("how Kafka is read is the stream's affair: `stream.kafka` and its `properties`"),
           "Settings of the connector's consumer.")
      .Add("producer.override.*", kString, std::nullopt, kLow, {},
           Refused("how Kafka is written is the stream's affair: `stream.kafka` and its `properties`"),
           "Settings of the producer of the dead letter queue.")
      .Add("admin.override.*", kString, std::nullopt, kLow, {}, Refused("see `stream.kafka`"),
           "Settings of the connector's admin client.");
  return Joined(std::move(own), std::move(list).Take());
}

std::vector<Property> SourceFamilies(std::vector<Property> own) {
  auto list = ConverterFamilies();
  list.Add("topic.creation.default.partitions", kInt, std::nullopt, kMedium, {},
           Honoured("`topics.<topic>.partitions`"), "How many partitions a topic gets when it is made.")
      .AtLeast(1)
      .Add("topic.creation.default.replication.factor", kShort, std::nullopt, kMedium, {},
           Honoured("`topics.<topic>.replication`; -1 is the stream's own"), "On how many brokers such a topic lies.")
      .Add("topic.creation.*", kString, std::nullopt, kLow, {},
           Refused("topics are declared in `topics:` of the configuration"), "More about how topics are made.")
      .Add("producer.override.*", kString, std::nullopt, kLow, {},
           Refused("how Kafka is written is the stream's affair: `stream.kafka` and its `properties`"),
           "Settings of the connector's producer.")
      .Add("admin.override.*", kString, std::nullopt, kLow, {}, Refused("see `stream.kafka`"),
           "Settings of the connector's admin client.");
  return Joined(std::move(own), std::move(list).Take());
}

}  // namespace millrace::connect
