#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/nearest.h"
#include "config/block.h"
#include "config/describe.h"
#include "config/load.h"
#include "config/yaml.h"

namespace millrace::config {

enum class Colour { kRed, kGreen };
template <>
struct Choices<Colour> {
  static constexpr std::array<std::pair<std::string_view, Colour>, 2> kWords = {
      {{"red", Colour::kRed}, {"green", Colour::kGreen}}};
};

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Door : Located {
  int64_t width = 0;
  std::optional<Duration> open_for;
};

struct House : Located {
  std::string name;
  ByteSize size;
  Colour colour = Colour::kRed;
  bool lit = false;
  Share slope;
  Secret key;
  Path plan;
  std::vector<std::string> rooms;
  std::map<std::string, std::string> labels;
  std::map<std::string, Door> doors;
};

const Block<Door>& DoorBlock() {
  static const Block<Door> block =
      Block<Door>("A door.")
          .Add(&Door::width, {.name = "width", .doc = "How wide.", .fallback = 90, .min = 50, .max = 200, .unit = "cm"})
          .Add(&Door::open_for, {.name = "open_for", .doc = "How long it stays open.", .min = Duration(1000)})
          .Reserve("lock", "electric locks");
  return block;
}

const Block<House>& HouseBlock() {
  static const Block<House> block =
      Block<House>("A house.")
          .Add(&House::name, {.name = "name", .doc = "What it is called.", .required = true})
          .Add(&House::size, {.name = "size", .doc = "How large.", .fallback = ByteSize{1 << 20}})
          .Add(&House::colour, {.name = "colour", .doc = "Its paint.", .fallback = Colour::kGreen})
          .Add(&House::lit, {.name = "lit", .doc = "Whether lamps are on."})
          .Add(&House::slope, {.name = "slope", .doc = "Of the roof, <90% or `<1`."})
          .Add(&House::key, {.name = "key", .doc = "What opens it."})
          .Add(&House::plan, {.name = "plan", .doc = "The drawing."})
          .Add(&House::rooms, {.name = "rooms", .doc = "Names of rooms."})
          .Add(&House::labels, {.name = "labels", .doc = "Free words."})
          .MapOf("doors", &House::doors, DoorBlock(), "door")
          .Check([](const House& house, const std::string&, ParseContext& context) {
            if (house.doors.empty()) context.problems.Add(house.mark, "a house needs a door");
          });
  return block;
}

struct Read {
  House house;
  std::vector<std::string> problems;
};

Read ReadHouse(const std::string& yaml, std::map<std::string, std::string> variables = {}) {
  Problems problems;
  const Environment environment(std::move(variables));
  auto node = ParseYaml(yaml, "house.yaml", problems);
  Interpolate(node, environment, problems);
  ParseContext context{problems, environment};
  auto house = HouseBlock().Parse(node, "", context);
  return {house, problems.lines()};
}

class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "config_test_XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

TEST(BlockTest, ReadsEveryKindOfValue) {
  const auto read = ReadHouse(R"(
name: ${WHO}'s ${KIND:-home}, $${not a variable}
size: 2MiB
colour: red
lit: true
slope: 2.5%
key: {secret: "env:KEY"}
plan: drawings/plan.svg
rooms: [kitchen, "attic"]
labels: {a: 1, b: two}
doors:
  front: {width: 120, open_for: 90s}
  back:
)",
                              {{"WHO", "Ann"}, {"KEY", "hunter2"}});
  EXPECT_THAT(read.problems, ElementsAre());
  EXPECT_EQ(read.house.name, "Ann's home, ${not a variable}");
  EXPECT_EQ(read.house.size.bytes, 2 << 20);
  EXPECT_EQ(read.house.colour, Colour::kRed);
  EXPECT_TRUE(read.house.lit);
  EXPECT_DOUBLE_EQ(read.house.slope.value, 0.025);
  EXPECT_EQ(read.house.key.Reveal(), "hunter2");
  EXPECT_EQ(read.house.plan.value, "drawings/plan.svg");
  EXPECT_THAT(read.house.rooms, ElementsAre("kitchen", "attic"));
  EXPECT_EQ(read.house.labels.at("b"), "two");
  EXPECT_EQ(read.house.doors.at("front").width, 120);
  EXPECT_EQ(read.house.doors.at("front").open_for, Duration(90'000));
  EXPECT_EQ(read.house.doors.at("back").width, 90);
  EXPECT_EQ(read.house.doors.at("back").mark.line, 13);
}

TEST(BlockTest, TellsEveryMistakeAtOnceWithItsPlace) {
  const auto read = ReadHouse(R"(size: big
colour: grene
lit: yes
slope: 120%
key: hunter2
plan: [a]
rooms: [kitchen, {}]
labels: none
nmae: x
size: 1MiB
doors:
  front: {width: 20, open_for: 1w}
  back: {width: 201, lock: x}
  side: {open_for: 500ms, width: wide}
  hidden: 7
entirely_unlike: ${UNSET}
rooms2: ${BROKEN
)");
  EXPECT_THAT(
      read.problems,
      ElementsAre(
          "house.yaml:10: 'size' is given twice; the first is on line 1",
          "house.yaml:16: the variable UNSET is not set; set it, put it into .env beside the configuration, or give "
          "a default with ${UNSET:-...}",
          "house.yaml:17: '${' without '}'; write $${ for the characters themselves",
          "house.yaml:9: unknown key 'nmae'; did you mean 'name'?",
          "house.yaml:16: unknown key 'entirely_unlike'; known here: name, size, colour, lit, slope, key, plan, "
          "rooms, labels, doors",
          "house.yaml:17: unknown key 'rooms2'; did you mean 'rooms'?",
          "house.yaml:1: 'name' is missing: What it is called.",
          "house.yaml:1: size: expected a size such as 256MiB, found 'big'",
          "house.yaml:2: colour: expected one of red, green, found 'grene'; did you mean 'green'?",
          "house.yaml:3: lit: expected true or false, found 'yes'",
          "house.yaml:4: slope: expected a share such as 1% or 0.01, found '120%'",
          "house.yaml:5: key: is a secret; give it as {secret: \"env:NAME\"} or {secret: \"file:PATH\"}",
          "house.yaml:6: plan: expected a path, found a list", "house.yaml:7: rooms[1]: expected text, found a block",
          "house.yaml:8: labels: expected a block of 'name: value' lines, found 'none'",
          "house.yaml:12: doors.front.width: expected at least 50, found '20'",
          "house.yaml:12: doors.front.open_for: expected a duration such as 500ms, 10s, 5m, 1h or 7d, found '1w'",
          "house.yaml:13: doors.back: 'lock' (electric locks) is not supported by this version of millrace",
          "house.yaml:13: doors.back.width: expected at most 200, found '201'",
          "house.yaml:14: doors.side.open_for: expected at least 1s, found '500ms'",
          "house.yaml:14: doors.side.width: expected a whole number, found 'wide'",
          "house.yaml:15: doors.hidden: expected a block of 'key: value' lines, found '7'"));
}

TEST(BlockTest, ChecksRunOnlyOnWhatWasReadWell) {
  EXPECT_THAT(ReadHouse("name: x").problems, ElementsAre("house.yaml:1: a house needs a door"));
}

TEST(YamlTest, SyntaxErrorHasItsLine) {
  Problems problems;
  ParseYaml("a: 1\nb: [1, 2\nc: 3\n", "x.yaml", problems);
  ASSERT_EQ(problems.lines().size(), 1U);
  EXPECT_THAT(problems.lines()[0], HasSubstr("x.yaml:3: is not YAML: "));
}

TEST(YamlTest, AliasesCannotGrowWithoutBound) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}, *a{1}]\n", i, i - 1);
  }
  Problems problems;
  EXPECT_THROW(ParseYaml(bomb, "x.yaml", problems), Error);
}

TEST(YamlTest, DeepNestingIsAnErrorNotACrash) {
  Problems problems;
  ParseYaml(std::string(100'000, '['), "x.yaml", problems);
  EXPECT_FALSE(problems.empty());
}

TEST(SecretTest, IsNotShownWhenItsFormIsWrong) {
  const auto read = ReadHouse("name: x\nkey: {secret: hunter2}\ndoors: {a: }\n");
  ASSERT_EQ(read.problems.size(), 1U);
  EXPECT_THAT(read.problems[0], ::testing::Not(HasSubstr("hunter2")));
}

TEST(SecretTest, ComesFromAFileBesideTheConfiguration) {
  const Folder folder;
  folder.Write("key.txt", "hunter2\n");
  const auto file = folder.Write("a.yaml", "name: x\nkey: {secret: 'file:key.txt'}\ndoors: {a: }\n");
  Problems problems;
  Environment environment(std::map<std::string, std::string>{});
  const auto node = LoadFiles({file}, environment, problems);
  ParseContext context{problems, environment};
  const auto house = HouseBlock().Parse(node, "", context);
  EXPECT_THAT(problems.lines(), ElementsAre());
  EXPECT_EQ(house.key.Reveal(), "hunter2");
}

TEST(LoadTest, AFolderMergesByNameAndTheLaterValueWins) {
  const Folder folder;
  folder.Write("a.yaml", "name: a\nsize: 1KiB\ndoors: {front: {width: 60}}\n");
  folder.Write("b.yml", "name: ${NAME}\ndoors: {front: {open_for: 2s}, back: }\n");
  folder.Write(".env", "# names\nexport NAME='from the file'\nSHELL_WINS=file\n");
  Problems problems;
  Environment environment(std::map<std::string, std::string>{{"SHELL_WINS", "shell"}});
  const auto node = LoadFiles({folder.path()}, environment, problems);
  ParseContext context{problems, environment};
  const auto house = HouseBlock().Parse(node, "", context);
  EXPECT_THAT(problems.lines(), ElementsAre());
  EXPECT_EQ(house.name, "from the file");
  EXPECT_EQ(house.size.bytes, 1024);
  EXPECT_EQ(house.doors.at("front").width, 60);
  EXPECT_EQ(house.doors.at("front").open_for, Duration(2000));
  EXPECT_EQ(house.doors.size(), 2U);
  EXPECT_EQ(environment.Get("SHELL_WINS"), "shell");
}

TEST(LoadTest, ABadEnvLineIsNotShown) {
  const Folder folder;
  const auto file = folder.Write("a.yaml", "name: a\n");
  folder.Write(".env", "GOOD=1\nhunter2\n");
  Problems problems;
  Environment environment(std::map<std::string, std::string>{});
  LoadFiles({file}, environment, problems);
  EXPECT_THAT(problems.lines(), ElementsAre(folder.path() + "/.env:2: expected NAME=value"));
}

TEST(LoadTest, AMissingFileSaysWhatToDo) {
  Problems problems;
  Environment environment(std::map<std::string, std::string>{});
  try {
    LoadFiles({"/nowhere/x.yaml"}, environment, problems);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/x.yaml does not exist"));
  }
}

TEST(NearestTest, SuggestsOnlyWhatIsNear) {
  const std::vector<std::string> known = {"partitions", "retention", "topic", "topics"};
  EXPECT_EQ(NearestWord("partitons", known), "partitions");
  EXPECT_EQ(NearestWord("Topic", known), "topic");
  EXPECT_EQ(NearestWord("tpoic", known), "topic");
  EXPECT_EQ(NearestWord("warehouse", known), "");
}

TEST(DurationTest, ReadsAndPrints) {
  EXPECT_EQ(ParseDuration("7d"), Duration(7LL * 86'400'000));
  EXPECT_EQ(FormatDuration(Duration(90'000)), "90s");
  EXPECT_EQ(FormatDuration(Duration(86'400'000)), "1d");
  for (const auto* bad : {"", "s", "-1s", "1", "1.5s", "1 s", "99999999999999999d"})
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
}

TEST(DescribeTest, ReferenceAndSchemaComeFromTheDeclarations) {
  const auto page = ReferenceMarkdown(*HouseBlock().info(), "House");
  EXPECT_THAT(page, HasSubstr("| `colour` | red \\| green | `green` | Its paint. |"));
  EXPECT_THAT(page, HasSubstr("## `doors.<door>`"));
  EXPECT_THAT(page, HasSubstr("| [`doors`](#doorsdoor) | block per name |"));
  EXPECT_THAT(page, HasSubstr("| `width` | integer, cm | `90` | How wide. From 50 to 200. |"));
  EXPECT_THAT(page, HasSubstr("Of the roof, \\<90% or `<1`."));
  const auto schema = JsonSchema(*HouseBlock().info(), "House");
  EXPECT_EQ(schema["required"], nlohmann::json::array({"name"}));
  EXPECT_EQ(schema["properties"]["doors"]["additionalProperties"]["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["colour"]["enum"], nlohmann::json::array({"red", "green"}));
}

}  // namespace
}  // namespace millrace::config
