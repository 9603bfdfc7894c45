#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/storage.h"
#include "app/table_positions.h"
#include "app/text_table.h"
#include "app/verbs.h"

namespace millrace::app {
namespace {

ExitCode Show(const Session& session) {
  auto opened = OpenLakeOf(session);
  std::unique_ptr<event::Stream> stream;
  if (std::filesystem::exists(opened.directory.stream())) stream = OpenStream(opened.directory);
  Listing listing({{"table"}, {"from"}, {"partition"}, {"position"}, {"lag"}});
  for (const auto& position : ReadTablePositions(opened, stream.get())) {
    listing.Add({position.table, position.origin,
                 position.partition ? nlohmann::json(*position.partition) : nlohmann::json(), position.position,
                 position.lag ? nlohmann::json(*position.lag) : nlohmann::json()});
  }
  listing.Print(session.json, "this pipeline has no tables that were landed yet");
  return ExitCode::kDone;
}

}  // namespace

void AddOffsets(CLI::App& root, Session& session) {
  auto* offsets = AddVerbGroup(root, "offsets", "Where tables stand in what they are made from");
  auto* show = AddVerb(
      *offsets, session, "show", "Positions as the tables themselves hold them", [&session] { return Show(session); },
      "  millrace offsets show --json");
  AddJsonOption(*show, session);
  AddConfigOption(*show, session);
}

}  // namespace millrace::app
