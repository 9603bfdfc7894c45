#include "app/cli.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "app/allocation.h"
#include "app/native_connectors.h"
#include "app/session.h"
#include "app/verbs.h"
#include "app/version.h"
#include "base/nearest.h"
#include "io/mongo_driver.h"
#include "query/sandbox/worker.h"

namespace millrace::app {
namespace {

constexpr const char* kAbout =
    "Takes events from where they happen to tables that people query, exactly once:\n"
    "sources -> stream -> lake tables -> SQL. Nothing else needs to be installed.";

constexpr const char* kFirstSteps =
    "First steps:\n"
    "  millrace generate users --rows 5                 made-up events, to look at\n"
    "  millrace run --until-idle -c millrace.yaml       run a pipeline until it has caught up\n"
    "  millrace query \"SELECT * FROM silver.users\"      ask the tables it made\n"
    "  millrace COMMAND --help                          what a command can do, with examples\n\n"
    "Exit codes: 0 done, 1 ran and failed, 64 usage, 69 something is unreachable or in use, 78 configuration.";

void AddVerbs(CLI::App& root, Session& session) {
  const auto group = [&root](const char* name, auto... add) {
    const auto before = root.get_subcommands({}).size();
    (add(), ...);
    const auto all = root.get_subcommands({});
    for (size_t i = before; i < all.size(); ++i) all[i]->group(name);
  };
  group(
      "Pipeline", [&] { AddInit(root, session); }, [&] { AddRun(root, session); }, [&] { AddCheck(root, session); },
      [&] { AddDoctor(root, session); }, [&] { AddStatus(root, session); }, [&] { AddTop(root, session); },
      [&] { AddRefine(root, session); }, [&] { AddTest(root, session); }, [&] { AddMaintain(root, session); });
  group(
      "Data in and out", [&] { AddGenerate(root, session); }, [&] { AddProduce(root, session); },
      [&] { AddConvert(root, session); }, [&] { AddQuery(root, session); }, [&] { AddExport(root, session); },
      [&] { AddExportSql(root, session); }, [&] { AddReport(root, session); });
  group(
      "Look at and manage", [&] { AddTopics(root, session); }, [&] { AddTables(root, session); },
      [&] { AddModels(root, session); }, [&] { AddConnectors(root, session); }, [&] { AddOffsets(root, session); },
      [&] { AddQuarantine(root, session); }, [&] { AddToken(root, session); });
  group(
      "About millrace", [&] { AddDocs(root, session); }, [&] { AddCompletions(root, session); },
      [&] { AddVersion(root, session); });
}

void PrintError(const std::string& message) { fmt::print(stderr, "millrace: {}\n", message); }

/// The verb a mistake was made in, for the hint: "millrace topics list".
std::string VerbPath(const CLI::App& root) {
  std::string path = "millrace";
  for (const auto* app = &root; !app->get_subcommands().empty();) {
    app = app->get_subcommands().front();
    path += " " + app->get_name();
  }
  return path;
}

/// "unknown command 'tpoics'; did you mean 'topics'?" where a verb was expected and something else was given.
std::string UnknownVerb(const CLI::App& root, int argc, const char* const* argv) {
  const auto* app = &root;
  int at = 1;
  for (; !app->get_subcommands().empty(); ++at) app = app->get_subcommands().front();
  std::vector<std::string> names;
  for (const auto* verb : app->get_subcommands({})) names.push_back(verb->get_name());
  if (names.empty() || at >= argc) return {};
  const std::string word(argv[at]);
  if (word.starts_with('-') || std::find(names.begin(), names.end(), word) != names.end()) return {};
  return fmt::format("unknown command '{}'{}", word, Suggest(word, names));
}

int RunAction(const Session& session) {
  try {
    return static_cast<int>(session.action());
  } catch (const Error& error) {
    PrintError(error.what());
    return static_cast<int>(ExitCodeFor(error.code()));
  } catch (const std::exception& error) {
    PrintError(fmt::format("internal error, please report it: {}", error.what()));
    return static_cast<int>(ExitCode::kFailed);
  }
}

}  // namespace

int Main(int argc, const char* const* argv) {
  ChooseAllocators();
  AddNativeConnectors();
  if (argc == 2 && std::string_view(argv[1]) == query::kWorkerVerb) return query::RunWorker();
  io::KeepMongoCountersPrivate();
  CLI::App root(kAbout, "millrace");
  root.footer(kFirstSteps);
  root.get_formatter()->column_width(34);
  Session session;
  root.set_version_flag("--version", [] { return std::string("millrace ") + kVersion; });
  AddVerbs(root, session);
  try {
    root.parse(argc, argv);
  } catch (const CLI::Success& wanted) {
    return root.exit(wanted);
  } catch (const CLI::ParseError& error) {
    const auto unknown = UnknownVerb(root, argc, argv);
    PrintError(fmt::format("{}; see `{} --help`", unknown.empty() ? error.what() : unknown, VerbPath(root)));
    return static_cast<int>(ExitCode::kUsage);
  }
  if (!session.action) {
    fmt::print("{}", root.help());
    return static_cast<int>(ExitCode::kDone);
  }
  return RunAction(session);
}

}  // namespace millrace::app
