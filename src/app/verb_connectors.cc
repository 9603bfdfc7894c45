#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/connect_client.h"
#include "app/text_table.h"
#include "app/verbs.h"
#include "base/error.h"
#include "io/percent_encoding.h"

namespace millrace::app {
namespace {

using nlohmann::ordered_json;

struct ConnectorArguments {
  WorkerPlace place;
  std::string name;
  std::string file;
  std::string state;
  bool update = false;
  bool tasks = false;
  bool only_failed = false;
  bool reset = false;
  std::vector<std::string> moves;
};

std::string PathOf(const ConnectorArguments& arguments, const std::string& rest = {}) {
  return "/connectors/" + io::PercentEncoded(arguments.name) + rest;
}

void PrintJson(const ordered_json& body) {
  fmt::print("{}\n", body.dump(2, ' ', false, ordered_json::error_handler_t::replace));
}

ExitCode List(const Session& session, const ConnectorArguments& arguments) {
  ConnectClient client(session, arguments.place);
  Listing listing({{"connector"}, {"type"}, {"class"}, {"state"}, {"tasks"}, {"failed"}});
  const auto all = client.Ask("GET", "/connectors?expand=status&expand=info");
  for (const auto& [name, each] : all.items()) {
    const auto& status = each.at("status");
    const auto failed =
        std::ranges::count_if(status.at("tasks"), [](const auto& task) { return task.at("state") == "FAILED"; });
    const auto& config = each.at("info").at("config");
    listing.Add({name, status.at("type").get<std::string>(), config.value("connector.class", ""),
                 status.at("connector").at("state").get<std::string>(), status.at("tasks").size(), failed});
  }
  listing.Print(session.json, "there are no connectors; `millrace connectors create FILE` makes one");
  return ExitCode::kDone;
}

/// The trace of whatever failed, on stderr: the first lines of it say why.
void TellTraces(const ordered_json& status) {
  if (status.at("connector").contains("trace")) {
    fmt::print(stderr, "{}\n", status.at("connector").at("trace").get<std::string>());
  }
  for (const auto& task : status.at("tasks")) {
    if (task.contains("trace"))
      fmt::print(stderr, "task {}: {}\n", task.at("id").get<int>(), task.at("trace").get<std::string>());
  }
}

ExitCode Describe(const Session& session, const ConnectorArguments& arguments) {
  ConnectClient client(session, arguments.place);
  ordered_json described = {{"status", client.Ask("GET", PathOf(arguments, "/status"))},
                            {"config", client.Ask("GET", PathOf(arguments, "/config"))},
                            {"topics", client.Ask("GET", PathOf(arguments, "/topics")).at(arguments.name).at("topics")},
                            {"offsets", client.Ask("GET", PathOf(arguments, "/offsets")).at("offsets")}};
  if (session.json) {
    PrintJson(described);
    return ExitCode::kDone;
  }
  const auto& status = described["status"];
  ordered_json facts = {{"name", arguments.name}, {"state", status["connector"]["state"]}, {"type", status["type"]}};
  for (const auto& [key, value] : described["config"].items()) {
    if (key != "name") facts[key] = value;
  }
  PrintFacts(facts);
  Listing tasks({{"task"}, {"state"}});
  for (const auto& task : status["tasks"]) tasks.Add({task["id"].get<int>(), task["state"].get<std::string>()});
  fmt::print("\n{}", tasks.AsTable());
  Listing offsets({{"partition"}, {"offset"}});
  for (const auto& each : described["offsets"]) offsets.Add({each["partition"].dump(), each["offset"].dump()});
  if (!offsets.empty()) fmt::print("\n{}", offsets.AsTable());
  TellTraces(status);
  return ExitCode::kDone;
}

std::string ReadInput(const std::string& file) {
  if (file == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(ErrorCode::kUsage, fmt::format("{} cannot be read", file));
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Trimmed(std::string text) {
  text.erase(0, std::min(text.find_first_not_of(" \t\r"), text.size()));
  text.erase(text.find_last_not_of(" \t\r") + 1);
  return text;
}

/// A file of Connect's standalone worker: `key=value` lines.
ordered_json ParseProperties(const std::string& text, const std::string& file) {
  ordered_json config = ordered_json::object();
  size_t number = 0;
  for (size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = Trimmed(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (line.empty() || line.front() == '#' || line.front() == '!') continue;
    const auto equals = line.find('=');
    if (equals == std::string::npos) {
      throw Error(ErrorCode::kUsage, fmt::format("{}:{}: expected key=value, or a file of JSON", file, number));
    }
    config[Trimmed(line.substr(0, equals))] = Trimmed(line.substr(equals + 1));
  }
  return config;
}

/// {"name", "config"} of a file: as Connect's POST takes it, or a config that has its name in it.
ordered_json ReadConnector(const ConnectorArguments& arguments) {
  const auto text = ReadInput(arguments.file);
  auto read = ordered_json::parse(text, nullptr, false);
  if (read.is_discarded()) read = ParseProperties(text, arguments.file);
  if (!read.is_object()) throw Error(ErrorCode::kUsage, arguments.file + " holds no connector: a JSON object");
  auto connector = read.contains("config") && read["config"].is_object() ? read : ordered_json{{"config", read}};
  if (!arguments.name.empty()) {
    connector["name"] = arguments.name;
  } else if (!connector.contains("name") && connector["config"].contains("name")) {
    connector["name"] = connector["config"]["name"];
  }
  if (!connector.contains("name") || !connector["name"].is_string()) {
    throw Error(ErrorCode::kUsage, arguments.file + " names no connector; give it --name NAME");
  }
  return connector;
}

ExitCode Create(const Session& session, const ConnectorArguments& arguments) {
  auto connector = ReadConnector(arguments);
  if (!arguments.state.empty()) connector["initial_state"] = arguments.state;
  ConnectClient client(session, arguments.place);
  const auto name = connector["name"].get<std::string>();
  const auto made = arguments.update
                        ? client.Ask("PUT", "/connectors/" + io::PercentEncoded(name) + "/config", connector["config"])
                        : client.Ask("POST", "/connectors", connector);
  if (session.json) {
    PrintJson(made);
  } else {
    fmt::print(stderr, "connector {}: {}\n", name, arguments.update ? "its config is set" : "made");
  }
  return ExitCode::kDone;
}

/// A request that is answered with nothing.
ExitCode Tell(const Session& session, const ConnectorArguments& arguments, const char* method, const char* rest,
              const char* said) {
  ConnectClient client(session, arguments.place);
  client.Ask(method, PathOf(arguments, rest));
  fmt::print(stderr, "connector {}: {}\n", arguments.name, said);
  return ExitCode::kDone;
}

ExitCode Restart(const Session& session, const ConnectorArguments& arguments) {
  ConnectClient client(session, arguments.place);
  client.Ask("POST", PathOf(arguments, fmt::format("/restart?includeTasks={}&onlyFailed={}", arguments.tasks,
                                                   arguments.only_failed)));
  fmt::print(stderr, "connector {}: is restarted\n", arguments.name);
  return ExitCode::kDone;
}

/// "numbers:0=1500", or "numbers:0=" to forget.
ordered_json ParseMove(const std::string& text) {
  const auto equals = text.rfind('=');
  const auto colon = equals == std::string::npos ? equals : text.rfind(':', equals);
  if (colon == std::string::npos) {
    throw Error(ErrorCode::kUsage, "'" + text + "' is not TOPIC:PARTITION=OFFSET; without OFFSET it is forgotten");
  }
  const auto offset = text.substr(equals + 1);
  ordered_json move = {
      {"partition",
       {{"kafka_topic", text.substr(0, colon)}, {"kafka_partition", text.substr(colon + 1, equals - colon - 1)}}},
      {"offset", nullptr}};
  if (!offset.empty()) move["offset"] = {{"kafka_offset", offset}};
  return move;
}

ExitCode Offsets(const Session& session, const ConnectorArguments& arguments) {
  ConnectClient client(session, arguments.place);
  const auto path = PathOf(arguments, "/offsets");
  if (arguments.reset || !arguments.moves.empty()) {
    ordered_json moves = ordered_json::array();
    for (const auto& move : arguments.moves) moves.push_back(ParseMove(move));
    const auto said =
        arguments.reset ? client.Ask("DELETE", path) : client.Ask("PATCH", path, ordered_json{{"offsets", moves}});
    fmt::print(stderr, "{}\n", said.at("message").get<std::string>());
    return ExitCode::kDone;
  }
  Listing listing({{"partition"}, {"offset"}});
  const auto stands = client.Ask("GET", path);
  for (const auto& each : stands.at("offsets")) {
    listing.Add({session.json ? nlohmann::json(each["partition"]) : nlohmann::json(each["partition"].dump()),
                 session.json ? nlohmann::json(each["offset"]) : nlohmann::json(each["offset"].dump())});
  }
  listing.Print(session.json, "the connector has landed nothing yet");
  return ExitCode::kDone;
}

ExitCode Plugins(const Session& session, const ConnectorArguments& arguments) {
  ConnectClient client(session, arguments.place);
  Listing listing({{"class"}, {"type"}, {"version"}});
  for (const auto& each : client.Ask("GET", "/connector-plugins")) {
    listing.Add({each.at("class").get<std::string>(), each.at("type").get<std::string>(),
                 each.at("version").get<std::string>()});
  }
  listing.Print(session.json, "the worker knows no connector classes");
  return ExitCode::kDone;
}

}  // namespace

void AddConnectors(CLI::App& root, Session& session) {
  auto* group = AddVerbGroup(root, "connectors", "Connectors of a running process, or of a worker of Kafka Connect");
  const auto arguments = std::make_shared<ConnectorArguments>();
  using Action = ExitCode (*)(const Session&, const ConnectorArguments&);
  const auto add = [&](const char* name, const char* doc, Action action, const char* examples) {
    auto* verb = AddVerb(
        *group, session, name, doc, [&session, arguments, action] { return action(session, *arguments); }, examples);
    AddWorkerOptions(*verb, arguments->place);
    AddConfigOption(*verb, session);
    return verb;
  };
  const auto named = [&](const char* name, const char* doc, Action action, const char* examples) {
    auto* verb = add(name, doc, action, examples);
    verb->add_option("NAME", arguments->name)->required();
    return verb;
  };
  AddJsonOption(*add("list", "Every connector and how it does", List, "  millrace connectors list --json"), session);
  AddJsonOption(*named("describe", "What a connector is, how it does, and where it stands", Describe,
                       "  millrace connectors describe sink --url http://127.0.0.1:8083"),
                session);
  auto* create = add("create", "Make a connector of a file, JSON or key=value, as Connect has them", Create,
                     "  millrace connectors create sink.json\n"
                     "  millrace connectors create sink.properties --name sink --state STOPPED\n"
                     "  millrace connectors create sink.json --update          set the config of one that is there");
  create->add_option("FILE", arguments->file, "- for standard input")->required();
  create->add_option("--name", arguments->name, "Its name, where the file has none");
  create->add_option("--state", arguments->state, "What it is to do at first: RUNNING, PAUSED or STOPPED");
  create->add_flag("--update", arguments->update, "Set the config, whether it is there or not");
  AddJsonOption(*create, session);
  named(
      "delete", "Take a connector away; what it landed stays",
      [](const Session& s, const ConnectorArguments& a) { return Tell(s, a, "DELETE", "", "deleted"); },
      "  millrace connectors delete sink");
  named(
      "pause", "Let a connector rest",
      [](const Session& s, const ConnectorArguments& a) { return Tell(s, a, "PUT", "/pause", "is to rest"); },
      "  millrace connectors pause sink");
  named(
      "resume", "Let a connector go on that was paused or stopped",
      [](const Session& s, const ConnectorArguments& a) { return Tell(s, a, "PUT", "/resume", "is to run"); },
      "  millrace connectors resume sink");
  named(
      "stop", "Stop a connector: then its offsets can be set",
      [](const Session& s, const ConnectorArguments& a) { return Tell(s, a, "PUT", "/stop", "is to stop"); },
      "  millrace connectors stop sink");
  auto* restart = named("restart", "Start a connector again, as after a failure", Restart,
                        "  millrace connectors restart sink --tasks --only-failed");
  restart->add_flag("--tasks", arguments->tasks, "Its tasks too");
  restart->add_flag("--only-failed", arguments->only_failed, "Of these only what has failed");
  auto* offsets = named("offsets", "Where a connector stands; or say where it goes on", Offsets,
                        "  millrace connectors offsets sink\n"
                        "  millrace connectors offsets sink --set numbers:0=1500 numbers:1=1498\n"
                        "  millrace connectors offsets sink --reset");
  offsets->add_option("--set", arguments->moves, "TOPIC:PARTITION=OFFSET; without OFFSET it is forgotten");
  offsets->add_flag("--reset", arguments->reset, "Read everything again from its beginning");
  AddJsonOption(*offsets, session);
  AddJsonOption(*add("plugins", "The connector classes there are", Plugins, "  millrace connectors plugins"), session);
}

}  // namespace millrace::app
