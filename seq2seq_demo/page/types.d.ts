/* Types that several modules use. Each is declared in the module that it is imported from. */

type Alignment = import("./align.js").Alignment;
type Kind = import("./align.js").Kind;
type PageState = import("./app.js").PageState;
type Patch = import("./app.js").Patch;
type BeamAnswer = import("./beam.js").BeamAnswer;
type BeamStep = import("./beam.js").BeamStep;
type Hypothesis = import("./beam.js").Hypothesis;
type Content = import("./heatmap.js").Content;
type Cell = import("./network.js").Cell;
type Config = import("./network.js").Config;
type Encoded = import("./network.js").Encoded;
type Network = import("./network.js").Network;
type State = import("./network.js").State;
type Step = import("./network.js").Step;
type Vector = import("./network.js").Vector;
type Vocabulary = import("./symbols.js").Vocabulary;
type VocabularyData = import("./symbols.js").VocabularyData;
type Example = import("./trained.js").Example;
type NetworkData = import("./trained.js").NetworkData;
type Recording = import("./trained.js").Recording;
type Run = import("./trained.js").Run;
type TrainedNetwork = import("./trained.js").TrainedNetwork;
