<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>Dialogs</name>
    <message>
        <source>Save the changes of %1?</source>
        <translation>Änderungen an %1 speichern?</translation>
    </message>
    <message>
        <source>Changes that are not saved are lost.</source>
        <translation>Nicht gespeicherte Änderungen gehen verloren.</translation>
    </message>
</context>
<context>
    <name>bitscape::app::AcceleratorForm</name>
    <message>
        <source>Compute</source>
        <translation>Rechnen</translation>
    </message>
    <message>
        <source>Clock</source>
        <translation>Takt</translation>
    </message>
    <message>
        <source>Operand width</source>
        <translation>Operandenbreite</translation>
    </message>
    <message>
        <source>Modes</source>
        <translation>Modi</translation>
    </message>
    <message>
        <source>Conv: outputs</source>
        <translation>Faltung: Ausgänge</translation>
    </message>
    <message>
        <source>Conv: inputs</source>
        <translation>Faltung: Eingänge</translation>
    </message>
    <message>
        <source>Conv: taps</source>
        <translation>Faltung: Kernelpunkte</translation>
    </message>
    <message>
        <source>Conv: pixels</source>
        <translation>Faltung: Pixel</translation>
    </message>
    <message>
        <source>Conv: lanes along</source>
        <translation>Faltung: Spuren entlang</translation>
    </message>
    <message>
        <source>Depth-wise: channels</source>
        <translation>Depthwise: Kanäle</translation>
    </message>
    <message>
        <source>Depth-wise: lanes</source>
        <translation>Depthwise: Spuren</translation>
    </message>
    <message>
        <source>Dense: outputs</source>
        <translation>Dense: Ausgänge</translation>
    </message>
    <message>
        <source>Dense: inputs</source>
        <translation>Dense: Eingänge</translation>
    </message>
    <message>
        <source>Accumulator</source>
        <translation>Akkumulator</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>Speicher</translation>
    </message>
    <message>
        <source>Input buffer</source>
        <translation>Eingangspuffer</translation>
    </message>
    <message>
        <source>Weight buffer</source>
        <translation>Gewichtspuffer</translation>
    </message>
    <message>
        <source>Output buffer</source>
        <translation>Ausgangspuffer</translation>
    </message>
    <message>
        <source>Double buffering</source>
        <translation>Doppelpuffer</translation>
    </message>
    <message>
        <source>Backing memory</source>
        <translation>Hintergrundspeicher</translation>
    </message>
    <message>
        <source>Its size</source>
        <translation>Seine Größe</translation>
    </message>
    <message>
        <source>Bandwidth</source>
        <translation>Bandbreite</translation>
    </message>
    <message>
        <source>Latency</source>
        <translation>Latenz</translation>
    </message>
    <message>
        <source>Technology</source>
        <translation>Technologie</translation>
    </message>
    <message>
        <source>Node</source>
        <translation>Strukturgröße</translation>
    </message>
    <message>
        <source>Supply</source>
        <translation>Versorgung</translation>
    </message>
    <message>
        <source>Idle share</source>
        <translation>Leerlaufanteil</translation>
    </message>
    <message>
        <source>Key: %1. Source: [%2].</source>
        <translation>Schlüssel: %1. Quelle: [%2].</translation>
    </message>
    <message>
        <source>on</source>
        <translation>ein</translation>
    </message>
</context>
<context>
    <name>bitscape::app::Activities</name>
    <message>
        <source>Open %1</source>
        <translation>%1 öffnen</translation>
    </message>
    <message>
        <source>Open the built-in sample</source>
        <translation>Mitgeliefertes Beispiel öffnen</translation>
    </message>
    <message>
        <source>Read %1</source>
        <translation>%1 lesen</translation>
    </message>
    <message>
        <source>Open data set</source>
        <translation>Datensatz öffnen</translation>
    </message>
    <message>
        <source>Save %1</source>
        <translation>%1 speichern</translation>
    </message>
    <message>
        <source>Gather histograms</source>
        <translation>Histogramme erfassen</translation>
    </message>
    <message>
        <source>Train %1</source>
        <translation>%1 trainieren</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>Trainieren</translation>
    </message>
    <message>
        <source>Search %1</source>
        <translation>%1 durchsuchen</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>Evaluate %1</source>
        <translation>%1 auswerten</translation>
    </message>
    <message>
        <source>Evaluate</source>
        <translation>Auswerten</translation>
    </message>
    <message>
        <source>Export %1</source>
        <translation>%1 exportieren</translation>
    </message>
</context>
<context>
    <name>bitscape::app::CalibratePage</name>
    <message>
        <source>Gather</source>
        <translation>Erfassen</translation>
    </message>
    <message>
        <source>Stop and keep</source>
        <translation>Beenden und behalten</translation>
    </message>
    <message>
        <source>per channel</source>
        <translation>pro Kanal</translation>
    </message>
    <message>
        <source>fold batch normalization</source>
        <translation>Batch-Normalisierung einrechnen</translation>
    </message>
    <message>
        <source>Apply as new configuration</source>
        <translation>Als neue Konfiguration übernehmen</translation>
    </message>
    <message>
        <source>Activation tensor</source>
        <translation>Aktivierungstensor</translation>
    </message>
    <message>
        <source>a</source>
        <comment>short for activation bits</comment>
        <translation>a</translation>
    </message>
    <message>
        <source>Low</source>
        <translation>Unten</translation>
    </message>
    <message>
        <source>High</source>
        <translation>Oben</translation>
    </message>
    <message>
        <source>Zero %</source>
        <translation>Null %</translation>
    </message>
    <message>
        <source>Clip %</source>
        <translation>Begrenzt %</translation>
    </message>
    <message>
        <source>SQNR dB</source>
        <translation>SQNR dB</translation>
    </message>
    <message>
        <source>Activation tensors</source>
        <translation>Aktivierungstensoren</translation>
    </message>
    <message>
        <source>all</source>
        <translation>alle</translation>
    </message>
    <message>
        <source> images</source>
        <translation> Bilder</translation>
    </message>
    <message>
        <source> bit</source>
        <translation> Bit</translation>
    </message>
    <message>
        <source>affine</source>
        <translation>affin</translation>
    </message>
    <message>
        <source>symmetric</source>
        <translation>symmetrisch</translation>
    </message>
    <message>
        <source>power of two</source>
        <translation>Zweierpotenz</translation>
    </message>
    <message>
        <source>Images</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Histograms</source>
        <translation>Histogramme</translation>
    </message>
    <message>
        <source>weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <source>outputs</source>
        <translation>Ausgänge</translation>
    </message>
    <message>
        <source>Weight bits</source>
        <translation>Gewichtsbits</translation>
    </message>
    <message>
        <source>Output bits</source>
        <translation>Ausgangsbits</translation>
    </message>
    <message>
        <source>Bits</source>
        <translation>Bits</translation>
    </message>
    <message>
        <source>Grid</source>
        <translation>Raster</translation>
    </message>
    <message>
        <source>min–max: the range holds every value that was seen</source>
        <translation>Min–Max: der Bereich umfasst jeden gesehenen Wert</translation>
    </message>
    <message>
        <source>Method</source>
        <translation>Verfahren</translation>
    </message>
    <message>
        <source>Open a model first.</source>
        <translation>Zuerst ein Modell öffnen.</translation>
    </message>
    <message>
        <source>Open a data set first.</source>
        <translation>Zuerst einen Datensatz öffnen.</translation>
    </message>
    <message>
        <source>No model yet. Open one, or drop a file here.</source>
        <translation>Noch kein Modell. Öffnen oder eine Datei hier ablegen.</translation>
    </message>
    <message>
        <source>No data set yet. Ranges are chosen from the values that it causes.</source>
        <translation>Noch kein Datensatz. Bereiche werden aus den Werten gewählt, die er hervorruft.</translation>
    </message>
    <message>
        <source>Open data set…</source>
        <translation>Datensatz öffnen…</translation>
    </message>
    <message>
        <source>No histograms yet. One pass over the data fills them.</source>
        <translation>Noch keine Histogramme. Ein Durchgang durch die Daten füllt sie.</translation>
    </message>
    <message numerus="yes">
        <source>Ranges from %n sample(s) may miss large values.</source>
        <translation>
            <numerusform>Bereiche aus %n Beispiel können große Werte verfehlen.</numerusform>
            <numerusform>Bereiche aus %n Beispielen können große Werte verfehlen.</numerusform>
        </translation>
    </message>
    <message>
        <source>Apply calibration</source>
        <translation>Kalibrierung übernehmen</translation>
    </message>
    <message>
        <source>min–max w%1 a%2</source>
        <translation>min–max w%1 a%2</translation>
    </message>
    <message numerus="yes">
        <source>%n tensor(s)</source>
        <translation>
            <numerusform>%n Tensor</numerusform>
            <numerusform>%n Tensoren</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Histograms from %n sample(s)</source>
        <translation>
            <numerusform>Histogramme aus %n Beispiel</numerusform>
            <numerusform>Histogramme aus %n Beispielen</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::ComparePage</name>
    <message>
        <source>Only layers that differ</source>
        <translation>Nur verschiedene Schichten</translation>
    </message>
    <message>
        <source>Metric</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Baseline</source>
        <translation>Bezug</translation>
    </message>
    <message>
        <source>Compared</source>
        <translation>Verglichen</translation>
    </message>
    <message>
        <source>Change</source>
        <translation>Änderung</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>Zusammenfassung</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>w, baseline</source>
        <translation>w, Bezug</translation>
    </message>
    <message>
        <source>a, baseline</source>
        <translation>a, Bezug</translation>
    </message>
    <message>
        <source>w, compared</source>
        <translation>w, verglichen</translation>
    </message>
    <message>
        <source>a, compared</source>
        <translation>a, verglichen</translation>
    </message>
    <message>
        <source>kcycles, baseline</source>
        <translation>kTakte, Bezug</translation>
    </message>
    <message>
        <source>kcycles, compared</source>
        <translation>kTakte, verglichen</translation>
    </message>
    <message>
        <source>µJ, baseline</source>
        <translation>µJ, Bezug</translation>
    </message>
    <message>
        <source>µJ, compared</source>
        <translation>µJ, verglichen</translation>
    </message>
    <message>
        <source>Layers compared</source>
        <translation>Verglichene Schichten</translation>
    </message>
    <message>
        <source>No model yet. Open one, or try the built-in sample.</source>
        <translation>Noch kein Modell. Eines öffnen oder das mitgelieferte Beispiel ausprobieren.</translation>
    </message>
    <message>
        <source>One configuration is there. Branch it, calibrate or apply a trial to have two to compare.</source>
        <translation>Es gibt eine Konfiguration. Abzweigen, kalibrieren oder einen Versuch übernehmen, um zwei vergleichen zu können.</translation>
    </message>
    <message>
        <source>Go to the model</source>
        <translation>Zum Modell</translation>
    </message>
    <message>
        <source>not evaluated</source>
        <translation>nicht ausgewertet</translation>
    </message>
    <message>
        <source>Accuracy</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <source>other data</source>
        <translation>andere Daten</translation>
    </message>
    <message>
        <source>Weights, packed</source>
        <translation>Gewichte, gepackt</translation>
    </message>
    <message>
        <source>Energy per inference (est.)</source>
        <translation>Energie je Inferenz (Schätzung)</translation>
    </message>
    <message>
        <source>Latency (est.)</source>
        <translation>Latenz (Schätzung)</translation>
    </message>
    <message>
        <source>Utilization</source>
        <translation>Auslastung</translation>
    </message>
    <message>
        <source>&lt;b&gt;What changed&lt;/b&gt;</source>
        <translation>&lt;b&gt;Was sich änderte&lt;/b&gt;</translation>
    </message>
    <message>
        <source>No bits differ.</source>
        <translation>Alle Bits sind gleich.</translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s) differ</source>
        <translation>
            <numerusform>%n Schicht ist verschieden</numerusform>
            <numerusform>%n Schichten sind verschieden</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::DataLine</name>
    <message>
        <source>Open data set…</source>
        <translation>Datensatz öffnen…</translation>
    </message>
    <message>
        <source>No data set yet.</source>
        <translation>Noch kein Datensatz.</translation>
    </message>
    <message>
        <source>%1, %2 samples</source>
        <translation>%1, %2 Beispiele</translation>
    </message>
</context>
<context>
    <name>bitscape::app::DataPanel</name>
    <message>
        <source>Read again</source>
        <translation>Neu lesen</translation>
    </message>
    <message>
        <source>Data set</source>
        <translation>Datensatz</translation>
    </message>
    <message>
        <source>Open data set…</source>
        <translation>Datensatz öffnen…</translation>
    </message>
    <message>
        <source>Open folder…</source>
        <translation>Ordner öffnen…</translation>
    </message>
    <message>
        <source>Preparation</source>
        <translation>Aufbereitung</translation>
    </message>
    <message>
        <source>mean,std or minmax, imagenet, int8:SCALE,ZERO; empty: nothing is changed</source>
        <translation>mean,std oder minmax, imagenet, int8:SCALE,ZERO; leer: nichts wird geändert</translation>
    </message>
    <message>
        <source>channels last (NHWC)</source>
        <translation>Kanäle zuletzt (NHWC)</translation>
    </message>
    <message>
        <source>channels first (NCHW)</source>
        <translation>Kanäle zuerst (NCHW)</translation>
    </message>
    <message>
        <source>all</source>
        <translation>alle</translation>
    </message>
    <message>
        <source>Scale</source>
        <translation>Skalierung</translation>
    </message>
    <message>
        <source>Normalize</source>
        <translation>Normieren</translation>
    </message>
    <message>
        <source>Layout in the file</source>
        <translation>Anordnung</translation>
    </message>
    <message>
        <source>Samples</source>
        <translation>Beispiele</translation>
    </message>
    <message>
        <source>No data set yet. Open one, or drop a file or folder here.</source>
        <translation>Noch kein Datensatz. Einen öffnen oder eine Datei oder einen Ordner hier ablegen.</translation>
    </message>
    <message>
        <source>%1 samples of %2, %3</source>
        <translation>%1 Beispiele zu %2, %3</translation>
    </message>
    <message>
        <source>values %1 … %2</source>
        <translation>Werte %1 … %2</translation>
    </message>
    <message numerus="yes">
        <source>%n class(es)</source>
        <translation>
            <numerusform>%n Klasse</numerusform>
            <numerusform>%n Klassen</numerusform>
        </translation>
    </message>
    <message>
        <source>Sample %1, class %2</source>
        <translation>Beispiel %1, Klasse %2</translation>
    </message>
    <message>
        <source>× %1</source>
        <translation>× %1</translation>
    </message>
    <message>
        <source>as stored</source>
        <translation>wie gespeichert</translation>
    </message>
</context>
<context>
    <name>bitscape::app::DistributionsPage</name>
    <message>
        <source>Bias too</source>
        <translation>Auch Bias</translation>
    </message>
    <message>
        <source>Range</source>
        <translation>Bereich</translation>
    </message>
    <message>
        <source>Box</source>
        <translation>Quartile</translation>
    </message>
    <message>
        <source>Tensor</source>
        <translation>Tensor</translation>
    </message>
    <message>
        <source>Bits</source>
        <translation>Bits</translation>
    </message>
    <message>
        <source>Values</source>
        <translation>Werte</translation>
    </message>
    <message>
        <source>Min</source>
        <translation>Min</translation>
    </message>
    <message>
        <source>Max</source>
        <translation>Max</translation>
    </message>
    <message>
        <source>Mean</source>
        <translation>Mittel</translation>
    </message>
    <message>
        <source>Std</source>
        <translation>Streuung</translation>
    </message>
    <message>
        <source>Kurtosis</source>
        <translation>Kurtosis</translation>
    </message>
    <message>
        <source>99.9 %</source>
        <translation>99,9 %</translation>
    </message>
    <message>
        <source>Step</source>
        <translation>Stufenweite</translation>
    </message>
    <message>
        <source>Clipped %</source>
        <translation>Begrenzt %</translation>
    </message>
    <message>
        <source>Zero codes %</source>
        <translation>Null-Codes %</translation>
    </message>
    <message>
        <source>Effective bits</source>
        <translation>Wirksame Bits</translation>
    </message>
    <message>
        <source>SQNR dB</source>
        <translation>SQNR dB</translation>
    </message>
    <message>
        <source>Distributions</source>
        <translation>Verteilungen</translation>
    </message>
    <message>
        <source>No model yet. Open one, or try the built-in sample.</source>
        <translation>Noch kein Modell. Eines öffnen oder das mitgelieferte Beispiel ausprobieren.</translation>
    </message>
    <message>
        <source>linear</source>
        <translation>linear</translation>
    </message>
    <message>
        <source>Value axis</source>
        <translation>Werteachse</translation>
    </message>
    <message>
        <source>Weights: distribution of log2 |w| per tensor, against the representable range</source>
        <translation>Gewichte: Verteilung von log2 |w| je Tensor gegen den darstellbaren Bereich</translation>
    </message>
    <message>
        <source>Weights: distribution per tensor, against the representable range</source>
        <translation>Gewichte: Verteilung je Tensor gegen den darstellbaren Bereich</translation>
    </message>
    <message>
        <source>log2 |weight value|</source>
        <translation>log2 |Gewichtswert|</translation>
    </message>
    <message>
        <source>Weight value</source>
        <translation>Gewichtswert</translation>
    </message>
    <message>
        <source>%1: scale per output channel</source>
        <translation>%1: Skalenfaktor je Ausgangskanal</translation>
    </message>
    <message numerus="yes">
        <source>%n weight tensor(s), %1 values</source>
        <translation>
            <numerusform>%n Gewichtstensor, %1 Werte</numerusform>
            <numerusform>%n Gewichtstensoren, %1 Werte</numerusform>
        </translation>
    </message>
    <message>
        <source>Selected: %1</source>
        <translation>Gewählt: %1</translation>
    </message>
</context>
<context>
    <name>bitscape::app::Document</name>
    <message>
        <source>untitled</source>
        <translation>unbenannt</translation>
    </message>
</context>
<context>
    <name>bitscape::app::ExplorePage</name>
    <message>
        <source>Study</source>
        <translation>Studie</translation>
    </message>
    <message>
        <source>Drag: brush   Click: select   Wheel: zoom   T: as table</source>
        <translation>Ziehen: Auswahlbereich   Klick: wählen   Rad: Zoom   T: als Tabelle</translation>
    </message>
    <message>
        <source>No model yet. Open one, or try the built-in sample.</source>
        <translation>Noch kein Modell. Eines öffnen oder das mitgelieferte Beispiel ausprobieren.</translation>
    </message>
    <message>
        <source>No trials yet. A search tries configurations and shows them here.</source>
        <translation>Noch keine Versuche. Eine Suche probiert Konfigurationen aus und zeigt sie hier.</translation>
    </message>
    <message>
        <source>Set up a search</source>
        <translation>Suche einrichten</translation>
    </message>
    <message>
        <source>bits of the reference, accuracy 0</source>
        <translation>Bits des Bezugs, Genauigkeit 0</translation>
    </message>
    <message>
        <source>Brush: %1 of %2 trials</source>
        <translation>Auswahlbereich: %1 von %2 Versuchen</translation>
    </message>
    <message numerus="yes">
        <source>%1: %n trial(s), %2 on the front</source>
        <translation>
            <numerusform>%1: %n Versuch, %2 auf der Front</numerusform>
            <numerusform>%1: %n Versuche, %2 auf der Front</numerusform>
        </translation>
    </message>
    <message>
        <source>Selected: trial %1</source>
        <translation>Gewählt: Versuch %1</translation>
    </message>
</context>
<context>
    <name>bitscape::app::HardwarePage</name>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>Rechenwerk</translation>
    </message>
    <message>
        <source>Mode</source>
        <translation>Modus</translation>
    </message>
    <message>
        <source>Bits</source>
        <translation>Bits</translation>
    </message>
    <message>
        <source>MACs</source>
        <translation>MACs</translation>
    </message>
    <message>
        <source>Cycles</source>
        <translation>Takte</translation>
    </message>
    <message>
        <source>Util. %</source>
        <translation>Ausl. %</translation>
    </message>
    <message>
        <source>Lane %</source>
        <translation>Spur %</translation>
    </message>
    <message>
        <source>Spatial %</source>
        <translation>Rand %</translation>
    </message>
    <message>
        <source>Time %</source>
        <translation>Zeit %</translation>
    </message>
    <message>
        <source>Traffic KiB</source>
        <translation>Verkehr KiB</translation>
    </message>
    <message>
        <source>Energy µJ</source>
        <translation>Energie µJ</translation>
    </message>
    <message>
        <source>Remark</source>
        <translation>Bemerkung</translation>
    </message>
    <message>
        <source>Costs per layer</source>
        <translation>Kosten je Schicht</translation>
    </message>
    <message>
        <source>No model yet. Open one, or try the built-in sample.</source>
        <translation>Noch kein Modell. Eines öffnen oder das mitgelieferte Beispiel ausprobieren.</translation>
    </message>
    <message>
        <source>%1 (edited)</source>
        <translation>%1 (bearbeitet)</translation>
    </message>
    <message>
        <source>Computed for the last valid accelerator.</source>
        <translation>Für den letzten gültigen Beschleuniger berechnet.</translation>
    </message>
    <message>
        <source>cycles</source>
        <translation>Takte</translation>
    </message>
    <message>
        <source>latency</source>
        <translation>Latenz</translation>
    </message>
    <message>
        <source>energy</source>
        <translation>Energie</translation>
    </message>
    <message>
        <source>area</source>
        <translation>Fläche</translation>
    </message>
    <message>
        <source>accelerated</source>
        <translation>beschleunigt</translation>
    </message>
    <message>
        <source>%1 % of MACs, %2 % of cycles</source>
        <translation>%1 % der MACs, %2 % der Takte</translation>
    </message>
    <message>
        <source>all numbers are estimates</source>
        <translation>alle Zahlen sind Schätzungen</translation>
    </message>
    <message>
        <source>Hardware model: estimate</source>
        <translation>Hardwaremodell: Schätzung</translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s) on the CPU fallback</source>
        <translation>
            <numerusform>%n Schicht im CPU-Ersatz</numerusform>
            <numerusform>%n Schichten im CPU-Ersatz</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::ImportPage</name>
    <message>
        <source>File</source>
        <translation>Datei</translation>
    </message>
    <message>
        <source>Read, converted, left out</source>
        <translation>Gelesen, umgesetzt, ausgelassen</translation>
    </message>
    <message>
        <source>Notes on the file</source>
        <translation>Anmerkungen zur Datei</translation>
    </message>
    <message>
        <source>Go to the model</source>
        <translation>Zum Modell</translation>
    </message>
    <message>
        <source>Layer in file</source>
        <translation>Schicht der Datei</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <source>Becomes</source>
        <translation>Wird zu</translation>
    </message>
    <message>
        <source>Quantizers found</source>
        <translation>Gefundene Quantisierer</translation>
    </message>
    <message>
        <source>Remark</source>
        <translation>Bemerkung</translation>
    </message>
    <message>
        <source>Layers of the file</source>
        <translation>Schichten der Datei</translation>
    </message>
    <message>
        <source>No model yet. Open one, or drop a file here.</source>
        <translation>Noch kein Modell. Eines öffnen oder eine Datei hier ablegen.</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>Format</translation>
    </message>
    <message>
        <source>Written by</source>
        <translation>Geschrieben von</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>Parameter</translation>
    </message>
    <message>
        <source>MACs per sample</source>
        <translation>MACs je Beispiel</translation>
    </message>
    <message>
        <source>Inputs</source>
        <translation>Eingänge</translation>
    </message>
    <message>
        <source>Outputs</source>
        <translation>Ausgänge</translation>
    </message>
    <message>
        <source>SHA-256</source>
        <translation>SHA-256</translation>
    </message>
    <message>
        <source>The whole file was read as it stands.</source>
        <translation>Die ganze Datei wurde gelesen, wie sie ist.</translation>
    </message>
    <message>
        <source>cannot be run</source>
        <translation>nicht ausführbar</translation>
    </message>
    <message numerus="yes">
        <source>All %n layer(s) can be run.</source>
        <translation>
            <numerusform>Die eine Schicht ist ausführbar.</numerusform>
            <numerusform>Alle %n Schichten sind ausführbar.</numerusform>
        </translation>
    </message>
    <message>
        <source>The network is shown without evaluation; replace these layers in the file and open it again.</source>
        <translation>Das Netz wird ohne Auswertung gezeigt; diese Schichten in der Datei ersetzen und sie neu öffnen.</translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s) in the file</source>
        <translation>
            <numerusform>%n Schicht in der Datei</numerusform>
            <numerusform>%n Schichten in der Datei</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::InspectorPanel</name>
    <message>
        <source>Inspector</source>
        <translation>Inspektor</translation>
    </message>
    <message>
        <source>Select a layer.</source>
        <translation>Eine Schicht wählen.</translation>
    </message>
    <message>
        <source>Overview</source>
        <translation>Überblick</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <source>Cost</source>
        <translation>Kosten</translation>
    </message>
    <message>
        <source>Tensor</source>
        <translation>Tensor</translation>
    </message>
    <message>
        <source>Inspector: %1 (first of %2)</source>
        <translation>Inspektor: %1 (erste von %2)</translation>
    </message>
    <message>
        <source>Inspector: %1</source>
        <translation>Inspektor: %1</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <source>Output shape</source>
        <translation>Form des Ausgangs</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>Parameter</translation>
    </message>
    <message>
        <source>MACs</source>
        <translation>MACs</translation>
    </message>
    <message>
        <source>%1 quantizer</source>
        <translation>Quantisierer: %1</translation>
    </message>
    <message>
        <source>float</source>
        <translation>Gleitkomma</translation>
    </message>
    <message numerus="yes">
        <source>%n bit(s)</source>
        <translation>
            <numerusform>%n Bit</numerusform>
            <numerusform>%n Bits</numerusform>
        </translation>
    </message>
    <message>
        <source>SQNR of the output</source>
        <translation>SQNR des Ausgangs</translation>
    </message>
    <message>
        <source>stale</source>
        <translation>veraltet</translation>
    </message>
    <message>
        <source>This layer costs nothing in the hardware model.</source>
        <translation>Diese Schicht kostet im Hardwaremodell nichts.</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>Rechenwerk</translation>
    </message>
    <message>
        <source>mode ×%1</source>
        <translation>Modus ×%1</translation>
    </message>
    <message>
        <source>Bits</source>
        <translation>Bits</translation>
    </message>
    <message>
        <source>w%1 a%2</source>
        <translation>w%1 a%2</translation>
    </message>
    <message>
        <source>output %1</source>
        <translation>Ausgang %1</translation>
    </message>
    <message>
        <source>Cycles</source>
        <translation>Takte</translation>
    </message>
    <message>
        <source>computing %1</source>
        <translation>davon rechnend %1</translation>
    </message>
    <message>
        <source>Utilization</source>
        <translation>Auslastung</translation>
    </message>
    <message>
        <source>lanes %1, spatial %2, in time %3</source>
        <translation>Spuren %1, räumlich %2, zeitlich %3</translation>
    </message>
    <message>
        <source>Memory bound</source>
        <translation>Speicherbegrenzt</translation>
    </message>
    <message>
        <source>yes</source>
        <translation>ja</translation>
    </message>
    <message>
        <source>no</source>
        <translation>nein</translation>
    </message>
    <message>
        <source>Traffic</source>
        <translation>Verkehr</translation>
    </message>
    <message>
        <source>at the backing memory</source>
        <translation>am Hintergrundspeicher</translation>
    </message>
    <message>
        <source>Energy</source>
        <translation>Energie</translation>
    </message>
    <message>
        <source>estimate</source>
        <translation>Schätzung</translation>
    </message>
    <message>
        <source>Effective bits</source>
        <translation>Wirksame Bits</translation>
    </message>
    <message>
        <source>entropy</source>
        <translation>Entropie</translation>
    </message>
    <message>
        <source>SQNR</source>
        <translation>SQNR</translation>
    </message>
    <message>
        <source>MSE</source>
        <translation>MSE</translation>
    </message>
    <message>
        <source>Clipped</source>
        <translation>Begrenzt</translation>
    </message>
    <message numerus="yes">
        <source>%n value(s)</source>
        <translation>
            <numerusform>%n Wert</numerusform>
            <numerusform>%n Werte</numerusform>
        </translation>
    </message>
    <message>
        <source>Zero codes</source>
        <translation>Null-Codes</translation>
    </message>
    <message>
        <source>Quantizer</source>
        <translation>Quantisierer</translation>
    </message>
</context>
<context>
    <name>bitscape::app::MainWindow</name>
    <message>
        <source>Cost strip</source>
        <translation>Kostenleiste</translation>
    </message>
    <message>
        <source>%1 (Ctrl+%2)</source>
        <translation>%1 (Strg+%2)</translation>
    </message>
    <message>
        <source>Pages</source>
        <translation>Seiten</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>Schichten</translation>
    </message>
    <message>
        <source>Inspector</source>
        <translation>Inspektor</translation>
    </message>
    <message>
        <source>Trials</source>
        <translation>Versuche</translation>
    </message>
    <message>
        <source>Jobs</source>
        <translation>Aufträge</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <source>%1: %2</source>
        <translation>%1: %2</translation>
    </message>
    <message>
        <source>No project open</source>
        <translation>Kein Projekt geöffnet</translation>
    </message>
    <message>
        <source>Measuring the sample accuracy</source>
        <translation>Stichproben-Genauigkeit wird gemessen</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>Bereit</translation>
    </message>
    <message numerus="yes">
        <source>Engine: %n thread(s), %1</source>
        <translation>
            <numerusform>Rechenkern: %n Thread, %1</numerusform>
            <numerusform>Rechenkern: %n Threads, %1</numerusform>
        </translation>
    </message>
    <message>
        <source>Stop the running jobs?</source>
        <translation>Laufende Aufträge beenden?</translation>
    </message>
    <message>
        <source>They belong to the document that is closed.</source>
        <translation>Sie gehören zu dem Dokument, das geschlossen wird.</translation>
    </message>
    <message>
        <source>Stop and go on</source>
        <translation>Beenden und fortfahren</translation>
    </message>
    <message>
        <source>Save project as</source>
        <translation>Projekt speichern unter</translation>
    </message>
    <message>
        <source>Bitscape projects (*.bitscape)</source>
        <translation>Bitscape-Projekte (*.bitscape)</translation>
    </message>
    <message>
        <source>Branch configuration</source>
        <translation>Konfiguration abzweigen</translation>
    </message>
    <message>
        <source>Name of the copy:</source>
        <translation>Name der Kopie:</translation>
    </message>
    <message>
        <source>%1 copy</source>
        <translation>%1 Kopie</translation>
    </message>
    <message>
        <source>The language changes with the next start.</source>
        <translation>Die Sprache wechselt beim nächsten Start.</translation>
    </message>
    <message>
        <source>&amp;File</source>
        <translation>&amp;Datei</translation>
    </message>
    <message>
        <source>&amp;New</source>
        <translation>&amp;Neu</translation>
    </message>
    <message>
        <source>&amp;Open project…</source>
        <translation>Projekt ö&amp;ffnen…</translation>
    </message>
    <message>
        <source>Open project</source>
        <translation>Projekt öffnen</translation>
    </message>
    <message>
        <source>Open &amp;model…</source>
        <translation>&amp;Modell öffnen…</translation>
    </message>
    <message>
        <source>Open model</source>
        <translation>Modell öffnen</translation>
    </message>
    <message>
        <source>Open &amp;data set…</source>
        <translation>&amp;Datensatz öffnen…</translation>
    </message>
    <message>
        <source>Open data set</source>
        <translation>Datensatz öffnen</translation>
    </message>
    <message>
        <source>Open &amp;built-in sample</source>
        <translation>Mitgeliefertes &amp;Beispiel öffnen</translation>
    </message>
    <message>
        <source>&amp;Recent</source>
        <translation>&amp;Zuletzt geöffnet</translation>
    </message>
    <message>
        <source>&amp;Save</source>
        <translation>&amp;Speichern</translation>
    </message>
    <message>
        <source>Save &amp;as…</source>
        <translation>Speichern &amp;unter…</translation>
    </message>
    <message>
        <source>&amp;Quit</source>
        <translation>&amp;Beenden</translation>
    </message>
    <message>
        <source>&amp;Edit</source>
        <translation>&amp;Bearbeiten</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Redo</source>
        <translation>Wiederholen</translation>
    </message>
    <message>
        <source>&amp;Filter layers</source>
        <translation>Schichten &amp;filtern</translation>
    </message>
    <message>
        <source>&amp;View</source>
        <translation>&amp;Ansicht</translation>
    </message>
    <message>
        <source>&amp;Docks</source>
        <translation>&amp;Andockfenster</translation>
    </message>
    <message>
        <source>&amp;Reset layout</source>
        <translation>&amp;Anordnung zurücksetzen</translation>
    </message>
    <message>
        <source>&amp;Theme</source>
        <translation>&amp;Farbschema</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>&amp;Language</source>
        <translation>&amp;Sprache</translation>
    </message>
    <message>
        <source>System</source>
        <translation>System</translation>
    </message>
    <message>
        <source>&amp;Full screen</source>
        <translation>&amp;Vollbild</translation>
    </message>
    <message>
        <source>&amp;Model</source>
        <translation>&amp;Modell</translation>
    </message>
    <message>
        <source>&amp;Evaluate</source>
        <translation>&amp;Auswerten</translation>
    </message>
    <message>
        <source>Accuracy of the current configuration on all data (F5)</source>
        <translation>Genauigkeit der aktuellen Konfiguration auf allen Daten (F5)</translation>
    </message>
    <message>
        <source>&amp;Gather histograms</source>
        <translation>Histogramme &amp;erfassen</translation>
    </message>
    <message>
        <source>&amp;Stop</source>
        <translation>&amp;Beenden</translation>
    </message>
    <message>
        <source>Stop the running jobs and keep what is finished (Ctrl+.)</source>
        <translation>Laufende Aufträge beenden und Fertiges behalten (Strg+.)</translation>
    </message>
    <message>
        <source>&amp;Quantize</source>
        <translation>&amp;Quantisieren</translation>
    </message>
    <message>
        <source>&amp;Preset</source>
        <translation>&amp;Vorlage</translation>
    </message>
    <message>
        <source>&amp;Branch configuration…</source>
        <translation>Konfiguration a&amp;bzweigen…</translation>
    </message>
    <message>
        <source>&amp;Search</source>
        <translation>&amp;Suche</translation>
    </message>
    <message>
        <source>Hard&amp;ware</source>
        <translation>Hard&amp;ware</translation>
    </message>
    <message>
        <source>&amp;Report</source>
        <translation>Be&amp;richt</translation>
    </message>
    <message>
        <source>Export &amp;HTML…</source>
        <translation>&amp;HTML exportieren…</translation>
    </message>
    <message>
        <source>Export &amp;PDF…</source>
        <translation>&amp;PDF exportieren…</translation>
    </message>
    <message>
        <source>&amp;Help</source>
        <translation>&amp;Hilfe</translation>
    </message>
    <message>
        <source>&amp;About Bitscape</source>
        <translation>&amp;Über Bitscape</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>Configuration</source>
        <translation>Konfiguration</translation>
    </message>
    <message>
        <source>Accelerator</source>
        <translation>Beschleuniger</translation>
    </message>
    <message>
        <source>About Bitscape</source>
        <translation>Über Bitscape</translation>
    </message>
    <message>
        <source>&lt;b&gt;Bitscape %1&lt;/b&gt;&lt;p&gt;Choose the bits of every layer, and see accuracy, memory, energy and latency move.&lt;/p&gt;&lt;p&gt;Free software under the GNU General Public License, version 3 or later.&lt;/p&gt;</source>
        <translation>&lt;b&gt;Bitscape %1&lt;/b&gt;&lt;p&gt;Die Bits jeder Schicht wählen und sehen, wie sich Genauigkeit, Speicher, Energie und Latenz bewegen.&lt;/p&gt;&lt;p&gt;Freie Software unter der GNU General Public License, Version 3 oder neuer.&lt;/p&gt;</translation>
    </message>
    <message>
        <source>%1 is no kind of file that Bitscape opens.</source>
        <translation>%1 ist keine Art von Datei, die Bitscape öffnet.</translation>
    </message>
    <message>
        <source>It opens %1 and folders of samples.</source>
        <translation>Es öffnet %1 und Ordner mit Beispielen.</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <source>Export %1</source>
        <translation>%1 exportieren</translation>
    </message>
    <message>
        <source>Folders (*)</source>
        <translation>Ordner (*)</translation>
    </message>
    <message>
        <source>%1 was written: %2 KiB; weights %3 KiB as float, %4 KiB packed.</source>
        <translation>%1 wurde geschrieben: %2 KiB; Gewichte %3 KiB als Gleitkomma, %4 KiB gepackt.</translation>
    </message>
    <message>
        <source>Not all could be expressed.</source>
        <translation>Nicht alles ließ sich ausdrücken.</translation>
    </message>
    <message>
        <source>Open &amp;folder…</source>
        <translation>&amp;Ordner öffnen…</translation>
    </message>
    <message>
        <source>&amp;Export</source>
        <translation>&amp;Exportieren</translation>
    </message>
</context>
<context>
    <name>bitscape::app::ModelPage</name>
    <message>
        <source>Filter layers</source>
        <translation>Schichten filtern</translation>
    </message>
    <message>
        <source>Filter by name or class</source>
        <translation>Nach Name oder Klasse filtern</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>Vorlage</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>Wählen…</translation>
    </message>
    <message numerus="yes">
        <source>%n match(es)</source>
        <translation>
            <numerusform>%n Treffer</numerusform>
            <numerusform>%n Treffer</numerusform>
        </translation>
    </message>
    <message>
        <source>Edit selected layers</source>
        <translation>Gewählte Schichten bearbeiten</translation>
    </message>
    <message>
        <source>(keep)</source>
        <translation>(behalten)</translation>
    </message>
    <message>
        <source> bit</source>
        <translation> Bit</translation>
    </message>
    <message>
        <source>Weight bits of the selected layers</source>
        <translation>Gewichtsbits der gewählten Schichten</translation>
    </message>
    <message>
        <source>Output bits of the selected layers</source>
        <translation>Ausgangsbits der gewählten Schichten</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <source>Output</source>
        <translation>Ausgang</translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s) selected</source>
        <translation>
            <numerusform>%n Schicht gewählt</numerusform>
            <numerusform>%n Schichten gewählt</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Apply to %n layer(s)</source>
        <translation>
            <numerusform>Auf %n Schicht anwenden</numerusform>
            <numerusform>Auf %n Schichten anwenden</numerusform>
        </translation>
    </message>
    <message>
        <source>F2 edits the quantizer of a layer; digits 1 to 9 set bits, 0 sixteen, F float.</source>
        <translation>F2 bearbeitet den Quantisierer einer Schicht; die Ziffern 1 bis 9 setzen Bits, 0 sechzehn, F Gleitkomma.</translation>
    </message>
    <message>
        <source>Effect of the edit in progress:</source>
        <translation>Wirkung der laufenden Änderung:</translation>
    </message>
    <message>
        <source>none until the text can be applied.</source>
        <translation>keine, bis der Text übernommen werden kann.</translation>
    </message>
    <message>
        <source>not known for this accelerator.</source>
        <translation>für diesen Beschleuniger nicht bekannt.</translation>
    </message>
    <message>
        <source>weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <source>energy</source>
        <translation>Energie</translation>
    </message>
    <message>
        <source>latency &lt;b&gt;unchanged&lt;/b&gt;</source>
        <translation>Latenz &lt;b&gt;unverändert&lt;/b&gt;</translation>
    </message>
    <message>
        <source>the layer runs in the %1-bit mode</source>
        <translation>die Schicht läuft im %1-Bit-Modus</translation>
    </message>
    <message>
        <source>latency</source>
        <translation>Latenz</translation>
    </message>
    <message numerus="yes">
        <source>Set bits of %n layer(s)</source>
        <translation>
            <numerusform>Bits von %n Schicht setzen</numerusform>
            <numerusform>Bits von %n Schichten setzen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 of %n quantizable layer(s) selected</source>
        <translation>
            <numerusform>%1 von %n quantisierbaren Schicht gewählt</numerusform>
            <numerusform>%1 von %n quantisierbaren Schichten gewählt</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n quantizable layer(s)</source>
        <translation>
            <numerusform>%n quantisierbare Schicht</numerusform>
            <numerusform>%n quantisierbare Schichten</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::QuantizerPanel</name>
    <message>
        <source>Scale of channel</source>
        <translation>Skalenfaktor von Kanal</translation>
    </message>
    <message>
        <source>Revert</source>
        <translation>Zurücksetzen</translation>
    </message>
    <message>
        <source>Apply</source>
        <translation>Anwenden</translation>
    </message>
    <message>
        <source>Tensor</source>
        <translation>Tensor</translation>
    </message>
    <message>
        <source>output</source>
        <translation>Ausgang</translation>
    </message>
    <message>
        <source>This layer has no tensor to quantize.</source>
        <translation>Diese Schicht hat keinen Tensor zum Quantisieren.</translation>
    </message>
    <message>
        <source>Becomes %1 inside a layer.</source>
        <translation>Wird innerhalb einer Schicht zu %1.</translation>
    </message>
    <message>
        <source>Calibrate first: the range is not known yet.</source>
        <translation>Erst kalibrieren: Der Bereich ist noch nicht bekannt.</translation>
    </message>
    <message>
        <source>SQNR %1, clipped %2 %, zero codes %3 %</source>
        <translation>SQNR %1, begrenzt %2 %, Null-Codes %3 %</translation>
    </message>
    <message>
        <source>%1 (before: SQNR %2)</source>
        <translation>%1 (vorher: SQNR %2)</translation>
    </message>
</context>
<context>
    <name>bitscape::app::RecentList</name>
    <message>
        <source>today %1</source>
        <translation>heute %1</translation>
    </message>
    <message>
        <source>yesterday</source>
        <translation>gestern</translation>
    </message>
    <message>
        <source>file not found in %1</source>
        <translation>Datei nicht gefunden in %1</translation>
    </message>
    <message>
        <source>Recent files</source>
        <translation>Zuletzt geöffnete Dateien</translation>
    </message>
</context>
<context>
    <name>bitscape::app::ReportPage</name>
    <message>
        <source>Export HTML…</source>
        <translation>HTML exportieren…</translation>
    </message>
    <message>
        <source>Export PDF…</source>
        <translation>PDF exportieren…</translation>
    </message>
    <message>
        <source>Outline</source>
        <translation>Gliederung</translation>
    </message>
    <message>
        <source>Preview of the report</source>
        <translation>Vorschau des Berichts</translation>
    </message>
    <message>
        <source>No model yet. Open one, or try the built-in sample.</source>
        <translation>Noch kein Modell. Eines öffnen oder das mitgelieferte Beispiel ausprobieren.</translation>
    </message>
    <message>
        <source>One file each: HTML with inline SVG, PDF with vector plots. Always in light colors.</source>
        <translation>Je eine Datei: HTML mit eingebettetem SVG, PDF mit Vektorgrafiken. Immer in hellen Farben.</translation>
    </message>
    <message numerus="yes">
        <source>%n section(s)</source>
        <translation>
            <numerusform>%n Abschnitt</numerusform>
            <numerusform>%n Abschnitte</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::SearchPage</name>
    <message>
        <source>Start search</source>
        <translation>Suche starten</translation>
    </message>
    <message>
        <source>Stop and keep</source>
        <translation>Beenden und behalten</translation>
    </message>
    <message>
        <source>Go on with it</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Trials appear here as they finish.</source>
        <translation>Versuche erscheinen hier, sobald sie fertig sind.</translation>
    </message>
    <message>
        <source>Open a model first.</source>
        <translation>Zuerst ein Modell öffnen.</translation>
    </message>
    <message>
        <source>Open a data set first.</source>
        <translation>Zuerst einen Datensatz öffnen.</translation>
    </message>
    <message>
        <source>No study yet</source>
        <translation>Noch keine Studie</translation>
    </message>
    <message>
        <source>%1: %2 of %3 trials</source>
        <translation>%1: %2 von %3 Versuchen</translation>
    </message>
    <message>
        <source>AutoQ score</source>
        <translation>AutoQ-Wert</translation>
    </message>
    <message>
        <source>Goal: %1, seed %2</source>
        <translation>Ziel: %1, Startwert %2</translation>
    </message>
</context>
<context>
    <name>bitscape::app::SearchSetup</name>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Tensor</source>
        <translation>Tensor</translation>
    </message>
    <message>
        <source>Candidates</source>
        <translation>Kandidaten</translation>
    </message>
    <message>
        <source>Choices</source>
        <translation>Auswahl</translation>
    </message>
    <message>
        <source>Fewest weight bits</source>
        <translation>Wenigste Gewichtsbits</translation>
    </message>
    <message>
        <source>Least energy (QTools)</source>
        <translation>Kleinste Energie (QTools)</translation>
    </message>
    <message>
        <source>What the AutoQ score weighs against accuracy: accuracy × (1 + delta of the size).</source>
        <translation>Was der AutoQ-Wert gegen die Genauigkeit abwägt: Genauigkeit × (1 + Delta der Größe).</translation>
    </message>
    <message>
        <source> bit</source>
        <translation> Bit</translation>
    </message>
    <message>
        <source>none</source>
        <translation>keine</translation>
    </message>
    <message>
        <source> KiB</source>
        <translation> KiB</translation>
    </message>
    <message>
        <source>Goal and limits</source>
        <translation>Ziel und Grenzen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Goal</source>
        <translation>Ziel</translation>
    </message>
    <message>
        <source>Weights at most</source>
        <translation>Gewichte höchstens</translation>
    </message>
    <message>
        <source>Evaluation and budget</source>
        <translation>Auswertung und Budget</translation>
    </message>
    <message>
        <source>Trials</source>
        <translation>Versuche</translation>
    </message>
    <message>
        <source>Epochs each</source>
        <translation>Epochen je Versuch</translation>
    </message>
    <message>
        <source>Batch</source>
        <translation>Stapel</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Startwert</translation>
    </message>
    <message>
        <source>Weight bits up to</source>
        <translation>Gewichtsbits bis</translation>
    </message>
    <message>
        <source>Output bits up to</source>
        <translation>Ausgangsbits bis</translation>
    </message>
    <message>
        <source>Study %1</source>
        <translation>Studie %1</translation>
    </message>
    <message numerus="yes">
        <source>%n choice(s), about 10^%1 configurations.</source>
        <translation>
            <numerusform>%n Auswahl, etwa 10^%1 Konfigurationen.</numerusform>
            <numerusform>%n Auswahlen, etwa 10^%1 Konfigurationen.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::TourCard</name>
    <message>
        <source>Train the network</source>
        <translation>Das Netz trainieren</translation>
    </message>
    <message>
        <source>Calibrate</source>
        <translation>Kalibrieren</translation>
    </message>
    <message>
        <source>Change one layer to 4 bits</source>
        <translation>Eine Schicht auf 4 Bits setzen</translation>
    </message>
    <message>
        <source>Search configurations</source>
        <translation>Konfigurationen suchen</translation>
    </message>
    <message>
        <source>Apply the best one and write the report</source>
        <translation>Die beste übernehmen und den Bericht schreiben</translation>
    </message>
    <message>
        <source>A few epochs on digits that are drawn by the program.</source>
        <translation>Einige Epochen mit Ziffern, die das Programm selbst zeichnet.</translation>
    </message>
    <message>
        <source>Histograms of 512 images, then 8 bits everywhere.</source>
        <translation>Histogramme von 512 Bildern, dann 8 Bits überall.</translation>
    </message>
    <message>
        <source>Watch the numbers above the pages move.</source>
        <translation>Die Zahlen über den Seiten bewegen sich mit.</translation>
    </message>
    <message>
        <source>Thirty trials; stops by itself after 60 seconds.</source>
        <translation>Dreißig Versuche; endet von selbst nach 60 Sekunden.</translation>
    </message>
    <message>
        <source>One click, one undo step.</source>
        <translation>Ein Klick, ein Schritt zum Rückgängigmachen.</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>Start</translation>
    </message>
    <message>
        <source>Stop and keep</source>
        <translation>Beenden und behalten</translation>
    </message>
    <message>
        <source>Open on the Model page</source>
        <translation>Auf der Seite Modell öffnen</translation>
    </message>
    <message>
        <source>Training the sample network</source>
        <translation>Training des Beispielnetzes</translation>
    </message>
    <message>
        <source>The curve appears here when training starts.</source>
        <translation>Die Kurve erscheint hier, sobald das Training beginnt.</translation>
    </message>
    <message>
        <source>Try the built-in sample</source>
        <translation>Das mitgelieferte Beispiel</translation>
    </message>
    <message>
        <source>about 2 minutes, no files needed</source>
        <translation>etwa 2 Minuten, ohne Dateien</translation>
    </message>
    <message>
        <source>3,000 drawn digits of 16 × 16 pixels and a small convolutional network.</source>
        <translation>3.000 gezeichnete Ziffern mit 16 × 16 Pixeln und ein kleines Faltungsnetz.</translation>
    </message>
    <message numerus="yes">
        <source>Validation accuracy %1 % after %n epoch(s).</source>
        <translation>
            <numerusform>Validierungsgenauigkeit %1 % nach %n Epoche.</numerusform>
            <numerusform>Validierungsgenauigkeit %1 % nach %n Epochen.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Histograms of %n image(s).</source>
        <translation>
            <numerusform>Histogramme von %n Bild.</numerusform>
            <numerusform>Histogramme von %n Bildern.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n trial(s), %1 on the front.</source>
        <translation>
            <numerusform>%n Versuch, %1 auf der Front.</numerusform>
            <numerusform>%n Versuche, %1 auf der Front.</numerusform>
        </translation>
    </message>
    <message>
        <source>All steps are done</source>
        <translation>Alle Schritte sind erledigt</translation>
    </message>
    <message>
        <source>Next step</source>
        <translation>Nächster Schritt</translation>
    </message>
    <message>
        <source>Go to the Model page</source>
        <translation>Zur Seite Modell</translation>
    </message>
    <message>
        <source>Study %1</source>
        <translation>Studie %1</translation>
    </message>
</context>
<context>
    <name>bitscape::app::TrainPage</name>
    <message>
        <source>Start training</source>
        <translation>Training starten</translation>
    </message>
    <message>
        <source>Stop and keep</source>
        <translation>Beenden und behalten</translation>
    </message>
    <message>
        <source>Epoch</source>
        <translation>Epoche</translation>
    </message>
    <message>
        <source>Steps</source>
        <translation>Schritte</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>Verlust</translation>
    </message>
    <message>
        <source>Accuracy %</source>
        <translation>Genauigkeit %</translation>
    </message>
    <message>
        <source>Validation loss</source>
        <translation>Validierungsverlust</translation>
    </message>
    <message>
        <source>Validation accuracy %</source>
        <translation>Validierungsgenauigkeit %</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>Epochen</translation>
    </message>
    <message>
        <source>The result is a new configuration with its own weights: one undo step.</source>
        <translation>Das Ergebnis ist eine neue Konfiguration mit eigenen Gewichten: ein Schritt zum Rückgängigmachen.</translation>
    </message>
    <message>
        <source>Open a model first.</source>
        <translation>Zuerst ein Modell öffnen.</translation>
    </message>
    <message>
        <source>Open a data set first.</source>
        <translation>Zuerst einen Datensatz öffnen.</translation>
    </message>
    <message numerus="yes">
        <source>%n epoch(s) trained</source>
        <translation>
            <numerusform>%n Epoche trainiert</numerusform>
            <numerusform>%n Epochen trainiert</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::TrainSetup</name>
    <message>
        <source>fresh weights</source>
        <translation>neuen Gewichten</translation>
    </message>
    <message>
        <source>Steps that lead up to the first learning rate</source>
        <translation>Schritte, die zur ersten Lernrate hinaufführen</translation>
    </message>
    <message>
        <source>never</source>
        <translation>nie</translation>
    </message>
    <message>
        <source>Epochs without a better validation loss; the best weights are kept</source>
        <translation>Epochen ohne besseren Validierungsverlust; die besten Gewichte bleiben</translation>
    </message>
    <message>
        <source>Share of the loss that draws the outputs to those of the float network</source>
        <translation>Anteil des Verlusts, der die Ausgänge zu denen des Gleitkomma-Netzes zieht</translation>
    </message>
    <message>
        <source>As Keras writes it: sgd(0.01, momentum=0.9), adam(0.001)</source>
        <translation>Wie Keras es schreibt: sgd(0.01, momentum=0.9), adam(0.001)</translation>
    </message>
    <message>
        <source>the rate stays</source>
        <translation>die Rate bleibt</translation>
    </message>
    <message>
        <source>as the data want it</source>
        <translation>wie die Daten es verlangen</translation>
    </message>
    <message>
        <source>images as they are</source>
        <translation>Bilder, wie sie sind</translation>
    </message>
    <message>
        <source>Several behind commas: flip, crop(2)</source>
        <translation>Mehrere durch Kommas: flip, crop(2)</translation>
    </message>
    <message>
        <source>Quantize little by little:</source>
        <translation>Nach und nach quantisieren:</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>Vorlage</translation>
    </message>
    <message>
        <source>Start from</source>
        <translation>Beginnen mit</translation>
    </message>
    <message>
        <source>Epochs</source>
        <translation>Epochen</translation>
    </message>
    <message>
        <source>Batch</source>
        <translation>Stapel</translation>
    </message>
    <message>
        <source>Optimizer</source>
        <translation>Optimierer</translation>
    </message>
    <message>
        <source>Schedule</source>
        <translation>Lernraten-Plan</translation>
    </message>
    <message>
        <source>Warm-up, steps</source>
        <translation>Anlauf, Schritte</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>Verlust</translation>
    </message>
    <message>
        <source>Augmentation</source>
        <translation>Bildveränderung</translation>
    </message>
    <message>
        <source>Stop early after</source>
        <translation>Früh beenden nach</translation>
    </message>
    <message>
        <source>Distillation</source>
        <translation>Destillation</translation>
    </message>
    <message>
        <source>Quantizer noise</source>
        <translation>Quantisierer-Rauschen</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Startwert</translation>
    </message>
    <message>
        <source>Fine-tune, 1 epoch</source>
        <translation>Nachtraining, 1 Epoche</translation>
    </message>
    <message>
        <source>Training, 5 epochs</source>
        <translation>Training, 5 Epochen</translation>
    </message>
    <message>
        <source>QAT, 10 epochs</source>
        <translation>QAT, 10 Epochen</translation>
    </message>
</context>
<context>
    <name>bitscape::app::TrialCard</name>
    <message>
        <source>Accuracy (validation)</source>
        <translation>Genauigkeit (Validierung)</translation>
    </message>
    <message>
        <source>Weights, packed</source>
        <translation>Gewichte, gepackt</translation>
    </message>
    <message>
        <source>Energy (estimate)</source>
        <translation>Energie (Schätzung)</translation>
    </message>
    <message>
        <source>Latency (estimate)</source>
        <translation>Latenz (Schätzung)</translation>
    </message>
    <message>
        <source>Utilization</source>
        <translation>Auslastung</translation>
    </message>
    <message>
        <source>AutoQ score</source>
        <translation>AutoQ-Wert</translation>
    </message>
    <message>
        <source>&lt;b&gt;%1&lt;/b&gt; (%2 µJ)</source>
        <translation>&lt;b&gt;%1&lt;/b&gt; (%2 µJ)</translation>
    </message>
    <message>
        <source>No layer takes less energy than now.</source>
        <translation>Keine Schicht braucht weniger Energie als jetzt.</translation>
    </message>
    <message>
        <source>Most of the energy is saved in %1.</source>
        <translation>Die meiste Energie wird gespart in %1.</translation>
    </message>
    <message>
        <source>Metric</source>
        <translation>Größe</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>to now</source>
        <translation>zu jetzt</translation>
    </message>
    <message>
        <source>Selected trial</source>
        <translation>Gewählter Versuch</translation>
    </message>
    <message>
        <source>Apply to tree</source>
        <translation>Übernehmen</translation>
    </message>
    <message>
        <source>Preview</source>
        <translation>Vorschau</translation>
    </message>
    <message>
        <source>The trial&apos;s quantizers become a configuration: one undo step.</source>
        <translation>Die Quantisierer des Versuchs werden eine Konfiguration: ein Schritt zum Rückgängigmachen.</translation>
    </message>
    <message>
        <source>Show the trial&apos;s bits in the Layers dock.</source>
        <translation>Die Bits des Versuchs im Andockfenster Schichten zeigen.</translation>
    </message>
    <message>
        <source>Best so far</source>
        <translation>Bisher bester</translation>
    </message>
    <message>
        <source>No finished trial yet.</source>
        <translation>Noch kein fertiger Versuch.</translation>
    </message>
    <message>
        <source>Click a point or a row to select a trial.</source>
        <translation>Einen Punkt oder eine Zeile anklicken, um einen Versuch zu wählen.</translation>
    </message>
    <message>
        <source>Trial %1</source>
        <translation>Versuch %1</translation>
    </message>
    <message>
        <source>%1, on the front</source>
        <translation>%1, auf der Front</translation>
    </message>
    <message>
        <source>%1, dominated by others</source>
        <translation>%1, von anderen dominiert</translation>
    </message>
</context>
<context>
    <name>bitscape::app::WelcomePage</name>
    <message>
        <source>Files that were opened appear here.</source>
        <translation>Geöffnete Dateien erscheinen hier.</translation>
    </message>
    <message>
        <source>Choose the bits of every layer, and see accuracy, memory, energy and latency move.</source>
        <translation>Die Bits jeder Schicht wählen und sehen, wie sich Genauigkeit, Speicher, Energie und Latenz bewegen.</translation>
    </message>
    <message>
        <source>Version %1</source>
        <translation>Version %1</translation>
    </message>
    <message>
        <source>Start</source>
        <translation>Start</translation>
    </message>
    <message>
        <source>Open model…</source>
        <translation>Modell öffnen…</translation>
    </message>
    <message>
        <source>Open project…</source>
        <translation>Projekt öffnen…</translation>
    </message>
    <message>
        <source>Open data set…</source>
        <translation>Datensatz öffnen…</translation>
    </message>
    <message>
        <source>Drop a model, project or data file anywhere</source>
        <translation>Modell, Projekt oder Daten irgendwo ablegen</translation>
    </message>
    <message>
        <source>Keys worth knowing</source>
        <translation>Nützliche Tasten</translation>
    </message>
    <message>
        <source>edit the quantizer of a layer</source>
        <translation>Quantisierer einer Schicht bearbeiten</translation>
    </message>
    <message>
        <source>set bits of the selected layers</source>
        <translation>Bits der gewählten Schichten setzen</translation>
    </message>
    <message>
        <source>switch page</source>
        <translation>Seite wechseln</translation>
    </message>
    <message>
        <source>evaluate</source>
        <translation>auswerten</translation>
    </message>
    <message>
        <source>undo, also a whole search result</source>
        <translation>rückgängig, auch ein ganzes Suchergebnis</translation>
    </message>
    <message>
        <source>Clear list</source>
        <translation>Liste leeren</translation>
    </message>
    <message>
        <source>Recent</source>
        <translation>Zuletzt geöffnet</translation>
    </message>
    <message>
        <source>arrays, tables, images</source>
        <translation>Felder, Tabellen, Bilder</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::Banner</name>
    <message>
        <source>Details</source>
        <translation>Einzelheiten</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Close message</source>
        <translation>Meldung schließen</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::ChannelMapPlot</name>
    <message>
        <source>Density per channel</source>
        <translation>Dichte je Kanal</translation>
    </message>
    <message>
        <source>Density per output channel</source>
        <translation>Dichte je Ausgangskanal</translation>
    </message>
    <message>
        <source>Output channel</source>
        <translation>Ausgangskanal</translation>
    </message>
    <message>
        <source>Weight value</source>
        <translation>Gewichtswert</translation>
    </message>
    <message>
        <source>count</source>
        <translation>Anzahl</translation>
    </message>
    <message>
        <source>channel %1</source>
        <translation>Kanal %1</translation>
    </message>
    <message>
        <source>Channel %1</source>
        <translation>Kanal %1</translation>
    </message>
    <message>
        <source>%1 values</source>
        <translation>%1 Werte</translation>
    </message>
    <message>
        <source>%1 … %2</source>
        <translation>%1 … %2</translation>
    </message>
    <message>
        <source>Channel</source>
        <translation>Kanal</translation>
    </message>
    <message>
        <source>Values</source>
        <translation>Werte</translation>
    </message>
    <message>
        <source>Lowest bin from</source>
        <translation>Kleinster Wert ab</translation>
    </message>
    <message>
        <source>Highest bin to</source>
        <translation>Größter Wert bis</translation>
    </message>
    <message>
        <source>Outlier</source>
        <translation>Ausreißer</translation>
    </message>
    <message>
        <source>%1 channels, %2 bins, %3 outlier channels.</source>
        <translation>%1 Kanäle, %2 Klassen, %3 Ausreißer.</translation>
    </message>
    <message>
        <source>No channels yet. Select a layer with weights.</source>
        <translation>Noch keine Kanäle. Eine Schicht mit Gewichten wählen.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::ChannelScalePlot</name>
    <message>
        <source>Scale per channel</source>
        <translation>Skalenfaktor je Kanal</translation>
    </message>
    <message>
        <source>Scale per output channel</source>
        <translation>Skalenfaktor je Ausgangskanal</translation>
    </message>
    <message>
        <source>Output channel</source>
        <translation>Ausgangskanal</translation>
    </message>
    <message>
        <source>Scale</source>
        <translation>Skalenfaktor</translation>
    </message>
    <message>
        <source>median %1</source>
        <translation>Median %1</translation>
    </message>
    <message>
        <source>channel %1: %2 × median</source>
        <translation>Kanal %1: %2 × Median</translation>
    </message>
    <message>
        <source>%1 more</source>
        <translation>%1 weitere</translation>
    </message>
    <message>
        <source>&lt;b&gt;Channel %1&lt;/b&gt;</source>
        <translation>&lt;b&gt;Kanal %1&lt;/b&gt;</translation>
    </message>
    <message>
        <source>scale %1</source>
        <translation>Skalenfaktor %1</translation>
    </message>
    <message>
        <source>%1 × median</source>
        <translation>%1 × Median</translation>
    </message>
    <message>
        <source>Channel</source>
        <translation>Kanal</translation>
    </message>
    <message>
        <source>× median</source>
        <translation>× Median</translation>
    </message>
    <message>
        <source>Outlier</source>
        <translation>Ausreißer</translation>
    </message>
    <message>
        <source>%1 channels, median scale %2, %3 outliers.</source>
        <translation>%1 Kanäle, Median der Skalenfaktoren %2, %3 Ausreißer.</translation>
    </message>
    <message>
        <source>No scales yet. Select a layer whose weights have scales.</source>
        <translation>Noch keine Skalenfaktoren. Eine Schicht wählen, deren Gewichte welche haben.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::CostStrip</name>
    <message>
        <source>Cost summary</source>
        <translation>Kostenüberblick</translation>
    </message>
    <message>
        <source>Deltas against</source>
        <translation>Unterschied zu</translation>
    </message>
    <message>
        <source>Copy value</source>
        <translation>Wert kopieren</translation>
    </message>
    <message>
        <source>How computed</source>
        <translation>Rechenweg</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::DistributionsPlot</name>
    <message>
        <source>Distributions per layer</source>
        <translation>Verteilungen je Schicht</translation>
    </message>
    <message>
        <source>log2 |value|</source>
        <translation>log2 |Wert|</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>representable range (half a step … clip)</source>
        <translation>darstellbarer Bereich (halbe Stufe … Grenze)</translation>
    </message>
    <message>
        <source>representable range</source>
        <translation>darstellbarer Bereich</translation>
    </message>
    <message>
        <source>clipped (overflow)</source>
        <translation>begrenzt (Überlauf)</translation>
    </message>
    <message>
        <source>below half a step (becomes zero)</source>
        <translation>unter einer halben Stufe (wird null)</translation>
    </message>
    <message>
        <source>quartiles, median, 0.1 % … 99.9 %</source>
        <translation>Quartile, Median, 0,1 % … 99,9 %</translation>
    </message>
    <message>
        <source>bits, SQNR</source>
        <translation>Bits, SQNR</translation>
    </message>
    <message>
        <source>%1 dB</source>
        <translation>%1 dB</translation>
    </message>
    <message>
        <source>float</source>
        <translation>Gleitkomma</translation>
    </message>
    <message>
        <source>%1 bits</source>
        <translation>%1 Bits</translation>
    </message>
    <message>
        <source>SQNR %1 dB</source>
        <translation>SQNR %1 dB</translation>
    </message>
    <message>
        <source>clipped %1 %</source>
        <translation>begrenzt %1 %</translation>
    </message>
    <message>
        <source>zero codes %1 %</source>
        <translation>Null-Codes %1 %</translation>
    </message>
    <message>
        <source>quartiles %1 … %2, median %3</source>
        <translation>Quartile %1 … %2, Median %3</translation>
    </message>
    <message>
        <source>height: density against its own maximum</source>
        <translation>Höhe: Dichte gegen ihr eigenes Maximum</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Bits</source>
        <translation>Bits</translation>
    </message>
    <message>
        <source>SQNR (dB)</source>
        <translation>SQNR (dB)</translation>
    </message>
    <message>
        <source>Range from</source>
        <translation>Bereich von</translation>
    </message>
    <message>
        <source>Range to</source>
        <translation>Bereich bis</translation>
    </message>
    <message>
        <source>0.1 %</source>
        <translation>0,1 %</translation>
    </message>
    <message>
        <source>25 %</source>
        <translation>25 %</translation>
    </message>
    <message>
        <source>Median</source>
        <translation>Median</translation>
    </message>
    <message>
        <source>75 %</source>
        <translation>75 %</translation>
    </message>
    <message>
        <source>99.9 %</source>
        <translation>99,9 %</translation>
    </message>
    <message>
        <source>Clipped (%)</source>
        <translation>Begrenzt (%)</translation>
    </message>
    <message>
        <source>Zero codes (%)</source>
        <translation>Null-Codes (%)</translation>
    </message>
    <message>
        <source>Distributions of %1 layers</source>
        <translation>Verteilungen von %1 Schichten</translation>
    </message>
    <message>
        <source>, lowest SQNR %1 dB in %2</source>
        <translation>, kleinster SQNR %1 dB in %2</translation>
    </message>
    <message>
        <source>No distributions yet. They are gathered from the weights of the model and from calibration images.</source>
        <translation>Noch keine Verteilungen. Sie entstehen aus den Gewichten des Modells und aus Kalibrierbildern.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::EnergyPlot</name>
    <message>
        <source>multipliers</source>
        <translation>Multiplizierer</translation>
    </message>
    <message>
        <source>accumulate</source>
        <translation>Akkumulieren</translation>
    </message>
    <message>
        <source>registers</source>
        <translation>Register</translation>
    </message>
    <message>
        <source>buffers</source>
        <translation>Puffer</translation>
    </message>
    <message>
        <source>backing memory</source>
        <translation>Hintergrundspeicher</translation>
    </message>
    <message>
        <source>requantize</source>
        <translation>Requantisieren</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>Energy per layer</source>
        <translation>Energie je Schicht</translation>
    </message>
    <message>
        <source>total</source>
        <translation>gesamt</translation>
    </message>
    <message>
        <source>Energy per layer, total %1 µJ</source>
        <translation>Energie je Schicht, gesamt %1 µJ</translation>
    </message>
    <message>
        <source>Energy, estimate (µJ)</source>
        <translation>Energie, Schätzung (µJ)</translation>
    </message>
    <message>
        <source>Share of the layer&apos;s energy (%)</source>
        <translation>Anteil an der Energie der Schicht (%)</translation>
    </message>
    <message>
        <source>reference</source>
        <translation>Bezug</translation>
    </message>
    <message>
        <source>energy %1 µJ, estimate</source>
        <translation>Energie %1 µJ, Schätzung</translation>
    </message>
    <message>
        <source>%1 %2 µJ, %3 %</source>
        <translation>%1 %2 µJ, %3 %</translation>
    </message>
    <message>
        <source>%1: %2 µJ</source>
        <translation>%1: %2 µJ</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Energy (µJ)</source>
        <translation>Energie (µJ)</translation>
    </message>
    <message>
        <source>Reference (µJ)</source>
        <translation>Bezug (µJ)</translation>
    </message>
    <message>
        <source>%1 layers, %2 µJ in all, most in %3: %4 µJ.</source>
        <translation>%1 Schichten, zusammen %2 µJ, am meisten in %3: %4 µJ.</translation>
    </message>
    <message>
        <source>No layers yet. Open a model to see the energy of each layer.</source>
        <translation>Noch keine Schichten. Ein Modell öffnen, um die Energie jeder Schicht zu sehen.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::HistogramPlot</name>
    <message>
        <source>Weights, float and quantized</source>
        <translation>Gewichte, Gleitkomma und quantisiert</translation>
    </message>
    <message>
        <source>Values, float and quantized</source>
        <translation>Werte, Gleitkomma und quantisiert</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Count</source>
        <translation>Anzahl</translation>
    </message>
    <message>
        <source>float</source>
        <translation>Gleitkomma</translation>
    </message>
    <message>
        <source>quantized</source>
        <translation>quantisiert</translation>
    </message>
    <message>
        <source>clipped</source>
        <translation>begrenzt</translation>
    </message>
    <message>
        <source>clip</source>
        <translation>begrenzt</translation>
    </message>
    <message>
        <source>%1 % clipped</source>
        <translation>%1 % begrenzt</translation>
    </message>
    <message>
        <source>Level %1</source>
        <translation>Stufe %1</translation>
    </message>
    <message>
        <source>%1 quantized values</source>
        <translation>%1 quantisierte Werte</translation>
    </message>
    <message>
        <source>%1 … %2</source>
        <translation>%1 … %2</translation>
    </message>
    <message>
        <source>%1 values, %2 % of all</source>
        <translation>%1 Werte, %2 % von allen</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>level</source>
        <translation>Stufe</translation>
    </message>
    <message>
        <source>bin</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <source>From</source>
        <translation>Von</translation>
    </message>
    <message>
        <source>To</source>
        <translation>Bis</translation>
    </message>
    <message>
        <source>%1 values</source>
        <translation>%1 Werte</translation>
    </message>
    <message>
        <source>, %1 levels</source>
        <translation>, %1 Stufen</translation>
    </message>
    <message>
        <source>, %1 % clipped</source>
        <translation>, %1 % begrenzt</translation>
    </message>
    <message>
        <source>, threshold %1 by %2</source>
        <translation>, Schwelle %1 nach %2</translation>
    </message>
    <message>
        <source>No values yet. Select a layer with weights, or gather activations.</source>
        <translation>Noch keine Werte. Eine Schicht mit Gewichten wählen oder Aktivierungen erfassen.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::HypervolumePlot</name>
    <message>
        <source>Hypervolume of the front</source>
        <translation>Hypervolumen der Front</translation>
    </message>
    <message>
        <source>Completed trials</source>
        <translation>Fertige Versuche</translation>
    </message>
    <message>
        <source>Normalized hypervolume</source>
        <translation>Normiertes Hypervolumen</translation>
    </message>
    <message>
        <source>study</source>
        <translation>Studie</translation>
    </message>
    <message>
        <source>first %1 at random</source>
        <translation>die ersten %1 zufällig</translation>
    </message>
    <message>
        <source>reference point: %1</source>
        <translation>Bezugspunkt: %1</translation>
    </message>
    <message>
        <source>trial %1 found</source>
        <translation>Versuch %1 gefunden</translation>
    </message>
    <message>
        <source>After trial %1</source>
        <translation>Nach Versuch %1</translation>
    </message>
    <message>
        <source>hypervolume %1</source>
        <translation>Hypervolumen %1</translation>
    </message>
    <message>
        <source>Hypervolume %1 after %2 trials.</source>
        <translation>Hypervolumen %1 nach %2 Versuchen.</translation>
    </message>
    <message>
        <source>No trials yet. The hypervolume grows with the front of a search.</source>
        <translation>Noch keine Versuche. Das Hypervolumen wächst mit der Front einer Suche.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::JobLine</name>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::LayerTreeModel</name>
    <message>
        <source>network</source>
        <translation>Netz</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Name in the model file</source>
        <translation>Name in der Modelldatei</translation>
    </message>
    <message>
        <source>Class</source>
        <translation>Klasse</translation>
    </message>
    <message>
        <source>Kind of layer; shape for a tensor</source>
        <translation>Art der Schicht; bei Tensoren die Form</translation>
    </message>
    <message>
        <source>Weight quantizer</source>
        <translation>Gewichtsquantisierer</translation>
    </message>
    <message>
        <source>Rule for the kernel. F2 edits, digits set bits</source>
        <translation>Regel für den Kernel. F2 bearbeitet, Ziffern setzen Bits</translation>
    </message>
    <message>
        <source>w</source>
        <comment>short for weight bits</comment>
        <translation>w</translation>
    </message>
    <message>
        <source>Bits of the weights</source>
        <translation>Bits der Gewichte</translation>
    </message>
    <message>
        <source>Output quantizer</source>
        <translation>Ausgangsquantisierer</translation>
    </message>
    <message>
        <source>Rule for the output of the layer. F2 edits, digits set bits</source>
        <translation>Regel für den Ausgang der Schicht. F2 bearbeitet, Ziffern setzen Bits</translation>
    </message>
    <message>
        <source>a</source>
        <comment>short for activation bits</comment>
        <translation>a</translation>
    </message>
    <message>
        <source>Bits of the output</source>
        <translation>Bits des Ausgangs</translation>
    </message>
    <message>
        <source>Mode</source>
        <translation>Modus</translation>
    </message>
    <message>
        <source>Lanes per multiplier; cpu: outside the array</source>
        <translation>Spuren je Multiplizierer; cpu: außerhalb des Rechenfelds</translation>
    </message>
    <message>
        <source>KiB</source>
        <translation>KiB</translation>
    </message>
    <message>
        <source>Weights packed with exact bits (KiB)</source>
        <translation>Gewichte, mit genauen Bits gepackt (KiB)</translation>
    </message>
    <message>
        <source>kcycles</source>
        <translation>kTakte</translation>
    </message>
    <message>
        <source>Thousand clock cycles for one inference (estimate)</source>
        <translation>Tausend Takte je Inferenz (Schätzung)</translation>
    </message>
    <message>
        <source>Util. %</source>
        <translation>Ausl. %</translation>
    </message>
    <message>
        <source>Useful lane-slots ÷ offered ones (estimate)</source>
        <translation>Genutzte ÷ angebotene Spurplätze (Schätzung)</translation>
    </message>
    <message>
        <source>µJ</source>
        <translation>µJ</translation>
    </message>
    <message>
        <source>Energy for one inference on the accelerator (µJ, estimate)</source>
        <translation>Energie je Inferenz auf dem Beschleuniger (µJ, Schätzung)</translation>
    </message>
    <message>
        <source>SQNR dB</source>
        <translation>SQNR dB</translation>
    </message>
    <message>
        <source>Signal to quantization noise of the output, against float (dB)</source>
        <translation>Signal zu Quantisierungsrauschen des Ausgangs gegen Gleitkomma (dB)</translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s)</source>
        <translation>
            <numerusform>%n Schicht</numerusform>
            <numerusform>%n Schichten</numerusform>
        </translation>
    </message>
    <message>
        <source>block</source>
        <translation>Block</translation>
    </message>
    <message>
        <source>float</source>
        <translation>Gleitkomma</translation>
    </message>
    <message>
        <source>%1 bits, %2 … %3</source>
        <translation>%1 Bits, %2 … %3</translation>
    </message>
    <message>
        <source>This class cannot be run.</source>
        <translation>Diese Klasse kann nicht ausgeführt werden.</translation>
    </message>
    <message>
        <source>no weights</source>
        <translation>keine Gewichte</translation>
    </message>
    <message>
        <source>Weights %1 bits, input %2 bits</source>
        <translation>Gewichte %1 Bits, Eingang %2 Bits</translation>
    </message>
    <message>
        <source>Computed for an older configuration.</source>
        <translation>Für eine ältere Konfiguration berechnet.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::LayersTree</name>
    <message>
        <source>Layers</source>
        <translation>Schichten</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::NumberLinePlot</name>
    <message>
        <source>Number line of the quantizer</source>
        <translation>Zahlengerade des Quantisierers</translation>
    </message>
    <message>
        <source>Number line</source>
        <translation>Zahlengerade</translation>
    </message>
    <message>
        <source>Input</source>
        <translation>Eingang</translation>
    </message>
    <message>
        <source>Quantized</source>
        <translation>Quantisiert</translation>
    </message>
    <message>
        <source>&lt;b&gt;%1&lt;/b&gt;</source>
        <translation>&lt;b&gt;%1&lt;/b&gt;</translation>
    </message>
    <message>
        <source>code %1</source>
        <translation>Code %1</translation>
    </message>
    <message>
        <source>inputs %1 … %2</source>
        <translation>Eingänge %1 … %2</translation>
    </message>
    <message>
        <source>error at most %1</source>
        <translation>Fehler höchstens %1</translation>
    </message>
    <message>
        <source>all inputs beyond, too</source>
        <translation>auch alle Eingänge dahinter</translation>
    </message>
    <message>
        <source>From</source>
        <translation>Von</translation>
    </message>
    <message>
        <source>To</source>
        <translation>Bis</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Code</source>
        <translation>Code</translation>
    </message>
    <message>
        <source>A smooth curve, or more levels than a screen shows.</source>
        <translation>Eine glatte Kurve oder mehr Stufen, als ein Bildschirm zeigt.</translation>
    </message>
    <message>
        <source>%1 levels from %2 to %3.</source>
        <translation>%1 Stufen von %2 bis %3.</translation>
    </message>
    <message>
        <source>No quantizer. Choose one to see its levels.</source>
        <translation>Kein Quantisierer. Einen wählen, um seine Stufen zu sehen.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::OpenDialog</name>
    <message>
        <source>Preview</source>
        <translation>Vorschau</translation>
    </message>
    <message>
        <source>Choose a file to see what it holds.</source>
        <translation>Eine Datei wählen, um zu sehen, was sie enthält.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::PageBar</name>
    <message>
        <source>Pages</source>
        <translation>Seiten</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::ParetoPlot</name>
    <message>
        <source>Accuracy against energy</source>
        <translation>Genauigkeit gegen Energie</translation>
    </message>
    <message>
        <source>Energy per inference, estimate (µJ)</source>
        <translation>Energie je Inferenz, Schätzung (µJ)</translation>
    </message>
    <message>
        <source>Energy (µJ)</source>
        <translation>Energie (µJ)</translation>
    </message>
    <message>
        <source>energy %1 µJ</source>
        <translation>Energie %1 µJ</translation>
    </message>
    <message>
        <source>Accuracy against latency</source>
        <translation>Genauigkeit gegen Latenz</translation>
    </message>
    <message>
        <source>Latency, estimate (ms)</source>
        <translation>Latenz, Schätzung (ms)</translation>
    </message>
    <message>
        <source>Latency (ms)</source>
        <translation>Latenz (ms)</translation>
    </message>
    <message>
        <source>latency %1 ms</source>
        <translation>Latenz %1 ms</translation>
    </message>
    <message>
        <source>Accuracy against weight memory</source>
        <translation>Genauigkeit gegen Gewichtsspeicher</translation>
    </message>
    <message>
        <source>Packed weights and biases (KiB)</source>
        <translation>Gepackte Gewichte und Bias (KiB)</translation>
    </message>
    <message>
        <source>Weights (KiB)</source>
        <translation>Gewichte (KiB)</translation>
    </message>
    <message>
        <source>weights %1 KiB</source>
        <translation>Gewichte %1 KiB</translation>
    </message>
    <message>
        <source>Trial %1</source>
        <translation>Versuch %1</translation>
    </message>
    <message>
        <source>accuracy %1 % ± %2 pt</source>
        <translation>Genauigkeit %1 % ± %2 Pp.</translation>
    </message>
    <message>
        <source>accuracy %1 %</source>
        <translation>Genauigkeit %1 %</translation>
    </message>
    <message>
        <source>on the front</source>
        <translation>auf der Front</translation>
    </message>
    <message>
        <source>not feasible</source>
        <translation>nicht zulässig</translation>
    </message>
    <message>
        <source>current configuration</source>
        <translation>aktuelle Konfiguration</translation>
    </message>
    <message>
        <source>Top-1 accuracy (%)</source>
        <translation>Genauigkeit, Top 1 (%)</translation>
    </message>
    <message>
        <source>trial</source>
        <translation>Versuch</translation>
    </message>
    <message>
        <source>trial in brush</source>
        <translation>Versuch im Auswahlbereich</translation>
    </message>
    <message>
        <source>Pareto front</source>
        <translation>Pareto-Front</translation>
    </message>
    <message>
        <source>reference</source>
        <translation>Bezug</translation>
    </message>
    <message>
        <source>%1 (now)</source>
        <translation>%1 (jetzt)</translation>
    </message>
    <message>
        <source>selected trial</source>
        <translation>gewählter Versuch</translation>
    </message>
    <message>
        <source>No trials yet. They appear here when a search has finished its first one.</source>
        <translation>Noch keine Versuche. Sie erscheinen hier, sobald eine Suche den ersten beendet hat.</translation>
    </message>
    <message numerus="yes">
        <source>%Ln trial(s), %1 on the front</source>
        <translation>
            <numerusform>%Ln Versuch, %1 auf der Front</numerusform>
            <numerusform>%Ln Versuche, %1 auf der Front</numerusform>
        </translation>
    </message>
    <message>
        <source>, %1 in the brush</source>
        <translation>, %1 im Auswahlbereich</translation>
    </message>
    <message>
        <source>, selected: trial %1, %2</source>
        <translation>, gewählt: Versuch %1, %2</translation>
    </message>
    <message>
        <source>Trial</source>
        <translation>Versuch</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Accuracy (%)</source>
        <translation>Genauigkeit (%)</translation>
    </message>
    <message>
        <source>± (pt)</source>
        <translation>± (Pp.)</translation>
    </message>
    <message>
        <source>Feasible</source>
        <translation>Zulässig</translation>
    </message>
    <message>
        <source>Front</source>
        <translation>Front</translation>
    </message>
    <message>
        <source>In brush</source>
        <translation>Im Auswahlbereich</translation>
    </message>
    <message>
        <source>float %1 %</source>
        <translation>Gleitkomma %1 %</translation>
    </message>
    <message>
        <source>accuracy floor %1 %</source>
        <translation>Mindestgenauigkeit %1 %</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::Plot</name>
    <message>
        <source>%1 outside of the view</source>
        <translation>%1 außerhalb der Ansicht</translation>
    </message>
    <message>
        <source>Export %1</source>
        <translation>%1 exportieren</translation>
    </message>
    <message>
        <source>Show plot</source>
        <translation>Diagramm zeigen</translation>
    </message>
    <message>
        <source>Show plot (T)</source>
        <translation>Diagramm zeigen (T)</translation>
    </message>
    <message>
        <source>%1, as table</source>
        <translation>%1, als Tabelle</translation>
    </message>
    <message>
        <source>Copy point</source>
        <translation>Punkt kopieren</translation>
    </message>
    <message>
        <source>Copy plot</source>
        <translation>Diagramm kopieren</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>As table</source>
        <translation>Als Tabelle</translation>
    </message>
    <message>
        <source>Logarithmic x axis</source>
        <translation>Logarithmische x-Achse</translation>
    </message>
    <message>
        <source>Logarithmic y axis</source>
        <translation>Logarithmische y-Achse</translation>
    </message>
    <message>
        <source>Fit</source>
        <translation>Einpassen</translation>
    </message>
    <message>
        <source>Previous zoom</source>
        <translation>Voriger Zoom</translation>
    </message>
    <message>
        <source>Next zoom</source>
        <translation>Nächster Zoom</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::PlotTableModel</name>
    <message>
        <source>yes</source>
        <translation>ja</translation>
    </message>
    <message>
        <source>no</source>
        <translation>nein</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::QuantizerEdit</name>
    <message>
        <source>Quantizer of %1, output</source>
        <translation>Quantisierer von %1, Ausgang</translation>
    </message>
    <message>
        <source>Quantizer of %1, weights</source>
        <translation>Quantisierer von %1, Gewichte</translation>
    </message>
    <message>
        <source>Completions</source>
        <translation>Vorschläge</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::QuantizerForm</name>
    <message>
        <source>Parameters of the quantizer</source>
        <translation>Parameter des Quantisierers</translation>
    </message>
    <message>
        <source>Kind of quantizer</source>
        <translation>Art des Quantisierers</translation>
    </message>
    <message>
        <source>float</source>
        <translation>Gleitkomma</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::RooflinePlot</name>
    <message>
        <source>Roofline</source>
        <translation>Roofline</translation>
    </message>
    <message>
        <source>Operational intensity (MAC per byte of backing traffic)</source>
        <translation>Rechenintensität (MAC je Byte am Hintergrundspeicher)</translation>
    </message>
    <message>
        <source>Performance, estimate (MAC per cycle)</source>
        <translation>Leistung, Schätzung (MAC je Takt)</translation>
    </message>
    <message>
        <source>mode ×%1</source>
        <translation>Modus ×%1</translation>
    </message>
    <message>
        <source>reference</source>
        <translation>Bezug</translation>
    </message>
    <message>
        <source>mode ×%1: %2 MAC/cycle</source>
        <translation>Modus ×%1: %2 MAC/Takt</translation>
    </message>
    <message>
        <source>%1 bit/cycle</source>
        <translation>%1 Bit/Takt</translation>
    </message>
    <message>
        <source>%1 MAC per cycle</source>
        <translation>%1 MAC je Takt</translation>
    </message>
    <message>
        <source>%1 MAC per byte</source>
        <translation>%1 MAC je Byte</translation>
    </message>
    <message>
        <source>bound by memory</source>
        <translation>speicherbegrenzt</translation>
    </message>
    <message>
        <source>bound by arithmetic</source>
        <translation>rechenbegrenzt</translation>
    </message>
    <message>
        <source>%1: %2 MAC per cycle</source>
        <translation>%1: %2 MAC je Takt</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Mode (lanes)</source>
        <translation>Modus (Spuren)</translation>
    </message>
    <message>
        <source>MAC per byte</source>
        <translation>MAC je Byte</translation>
    </message>
    <message>
        <source>MAC per cycle</source>
        <translation>MAC je Takt</translation>
    </message>
    <message>
        <source>Bound by memory</source>
        <translation>Speicherbegrenzt</translation>
    </message>
    <message>
        <source>Reference, MAC per byte</source>
        <translation>Bezug, MAC je Byte</translation>
    </message>
    <message>
        <source>Reference, MAC per cycle</source>
        <translation>Bezug, MAC je Takt</translation>
    </message>
    <message>
        <source>%1 layers, %2 of them bound by memory.</source>
        <translation>%1 Schichten, davon %2 speicherbegrenzt.</translation>
    </message>
    <message>
        <source>No layers yet. Open a model to see what bounds each layer.</source>
        <translation>Noch keine Schichten. Ein Modell öffnen, um zu sehen, was jede Schicht begrenzt.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::SearchProgressPlot</name>
    <message>
        <source>Best feasible value so far</source>
        <translation>Bester zulässiger Wert bisher</translation>
    </message>
    <message>
        <source>value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Best feasible %1 so far</source>
        <translation>Bester zulässiger Wert bisher: %1</translation>
    </message>
    <message>
        <source>Trial</source>
        <translation>Versuch</translation>
    </message>
    <message>
        <source>feasible trial</source>
        <translation>zulässiger Versuch</translation>
    </message>
    <message>
        <source>not feasible</source>
        <translation>nicht zulässig</translation>
    </message>
    <message>
        <source>best so far</source>
        <translation>bisher bester</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>&lt;b&gt;Trial %1&lt;/b&gt;</source>
        <translation>&lt;b&gt;Versuch %1&lt;/b&gt;</translation>
    </message>
    <message>
        <source>best so far %1</source>
        <translation>bisher bester %1</translation>
    </message>
    <message>
        <source>Value</source>
        <translation>Wert</translation>
    </message>
    <message>
        <source>Feasible</source>
        <translation>Zulässig</translation>
    </message>
    <message>
        <source>Best so far</source>
        <translation>Bisher bester</translation>
    </message>
    <message>
        <source>%1 trials, best feasible value %2.</source>
        <translation>%1 Versuche, bester zulässiger Wert %2.</translation>
    </message>
    <message>
        <source>%1 trials, none feasible yet.</source>
        <translation>%1 Versuche, noch keiner zulässig.</translation>
    </message>
    <message>
        <source>No trials yet. The best value so far is drawn here while a search runs.</source>
        <translation>Noch keine Versuche. Der bisher beste Wert wird hier gezeichnet, während eine Suche läuft.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::StaircasePlot</name>
    <message>
        <source>Precision staircase</source>
        <translation>Bitbreiten-Treppe</translation>
    </message>
    <message>
        <source>Weight bits</source>
        <translation>Gewichtsbits</translation>
    </message>
    <message>
        <source>Input activation bits</source>
        <translation>Bits der Eingangsaktivierung</translation>
    </message>
    <message>
        <source>now</source>
        <translation>jetzt</translation>
    </message>
    <message>
        <source>not possible</source>
        <translation>nicht möglich</translation>
    </message>
    <message>
        <source>mode ×%1</source>
        <translation>Modus ×%1</translation>
    </message>
    <message>
        <source>%1 % against now</source>
        <translation>%1 % gegen jetzt</translation>
    </message>
    <message>
        <source>w</source>
        <translation>w</translation>
    </message>
    <message>
        <source>a</source>
        <translation>a</translation>
    </message>
    <message>
        <source>Lanes</source>
        <translation>Spuren</translation>
    </message>
    <message>
        <source>Cost</source>
        <translation>Kosten</translation>
    </message>
    <message>
        <source>Cost (%1)</source>
        <translation>Kosten (%1)</translation>
    </message>
    <message>
        <source>Cost from %1 to %2 %3</source>
        <translation>Kosten von %1 bis %2 %3</translation>
    </message>
    <message>
        <source>, now w%1 a%2</source>
        <translation>, jetzt w%1 a%2</translation>
    </message>
    <message>
        <source>No layer selected. Select one to see where fewer bits pay.</source>
        <translation>Keine Schicht gewählt. Eine wählen, um zu sehen, wo weniger Bits sich lohnen.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::TrainingPlot</name>
    <message>
        <source>Loss and accuracy against epoch</source>
        <translation>Verlust und Genauigkeit gegen Epoche</translation>
    </message>
    <message>
        <source>Training</source>
        <translation>Training</translation>
    </message>
    <message>
        <source>Epoch</source>
        <translation>Epoche</translation>
    </message>
    <message>
        <source>Loss</source>
        <translation>Verlust</translation>
    </message>
    <message>
        <source>Accuracy (%)</source>
        <translation>Genauigkeit (%)</translation>
    </message>
    <message>
        <source>training batch</source>
        <translation>Trainingsstapel</translation>
    </message>
    <message>
        <source>validation</source>
        <translation>Validierung</translation>
    </message>
    <message>
        <source>loss, batch</source>
        <translation>Verlust, Stapel</translation>
    </message>
    <message>
        <source>loss, validation</source>
        <translation>Verlust, Validierung</translation>
    </message>
    <message>
        <source>float %1 %</source>
        <translation>Gleitkomma %1 %</translation>
    </message>
    <message>
        <source>&lt;b&gt;Epoch %1, validation&lt;/b&gt;</source>
        <translation>&lt;b&gt;Epoche %1, Validierung&lt;/b&gt;</translation>
    </message>
    <message>
        <source>&lt;b&gt;Epoch %1, training batch&lt;/b&gt;</source>
        <translation>&lt;b&gt;Epoche %1, Trainingsstapel&lt;/b&gt;</translation>
    </message>
    <message>
        <source>best so far</source>
        <translation>bisher bester</translation>
    </message>
    <message>
        <source>accuracy %1 %</source>
        <translation>Genauigkeit %1 %</translation>
    </message>
    <message>
        <source>loss %1</source>
        <translation>Verlust %1</translation>
    </message>
    <message>
        <source>Part</source>
        <translation>Teil</translation>
    </message>
    <message>
        <source>Training has begun; no epoch is finished yet.</source>
        <translation>Das Training hat begonnen; noch keine Epoche ist fertig.</translation>
    </message>
    <message>
        <source>Epoch %1 of %2, validation loss %3.</source>
        <translation>Epoche %1 von %2, Validierungsverlust %3.</translation>
    </message>
    <message>
        <source>Epoch %1 of %2, validation accuracy %3 %.</source>
        <translation>Epoche %1 von %2, Validierungsgenauigkeit %3 %.</translation>
    </message>
    <message>
        <source>No training yet. Loss and accuracy are drawn here while it runs.</source>
        <translation>Noch kein Training. Verlust und Genauigkeit werden hier gezeichnet, während es läuft.</translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::UtilizationPlot</name>
    <message>
        <source>useful</source>
        <translation>genutzt</translation>
    </message>
    <message>
        <source>lane padding</source>
        <translation>Spurverschnitt</translation>
    </message>
    <message>
        <source>spatial edge</source>
        <translation>Randverlust</translation>
    </message>
    <message>
        <source>set-up, first load</source>
        <translation>Anlauf, erstes Laden</translation>
    </message>
    <message>
        <source>memory stall</source>
        <translation>Speicherwartezeit</translation>
    </message>
    <message>
        <source>Use of lane-slots per layer</source>
        <translation>Nutzung der Spurplätze je Schicht</translation>
    </message>
    <message>
        <source>CPU fallback</source>
        <translation>CPU-Ersatz</translation>
    </message>
    <message>
        <source>free</source>
        <translation>frei</translation>
    </message>
    <message>
        <source>Where the lane-slots go: bar height is the share of cycles</source>
        <translation>Wohin die Spurplätze gehen: Balkenhöhe ist der Anteil an den Takten</translation>
    </message>
    <message>
        <source>Where the lane-slots go</source>
        <translation>Wohin die Spurplätze gehen</translation>
    </message>
    <message>
        <source>Share of offered lane-slots (%)</source>
        <translation>Anteil an den angebotenen Spurplätzen (%)</translation>
    </message>
    <message>
        <source>mode, bits</source>
        <translation>Modus, Bits</translation>
    </message>
    <message>
        <source>cycles</source>
        <translation>Takte</translation>
    </message>
    <message>
        <source>%1 %2 %</source>
        <translation>%1 %2 %</translation>
    </message>
    <message>
        <source>%1 cycles, %2 % of all</source>
        <translation>%1 Takte, %2 % von allen</translation>
    </message>
    <message>
        <source>Layer</source>
        <translation>Schicht</translation>
    </message>
    <message>
        <source>Mode</source>
        <translation>Modus</translation>
    </message>
    <message>
        <source>w</source>
        <translation>w</translation>
    </message>
    <message>
        <source>a</source>
        <translation>a</translation>
    </message>
    <message>
        <source>Cycles</source>
        <translation>Takte</translation>
    </message>
    <message>
        <source>%1 layers, %2 cycles, %3 % of the cycles of accelerated layers useful.</source>
        <translation>%1 Schichten, %2 Takte, %3 % der Takte beschleunigter Schichten genutzt.</translation>
    </message>
    <message>
        <source>No layers yet. Open a model to see where the cycles of the accelerator go.</source>
        <translation>Noch keine Schichten. Ein Modell öffnen, um zu sehen, wohin die Takte des Beschleunigers gehen.</translation>
    </message>
</context>
<context>
    <name>docks</name>
    <message>
        <source>Float or dock</source>
        <translation>Lösen oder andocken</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>running</source>
        <translation>läuft</translation>
    </message>
    <message>
        <source>stopping</source>
        <translation>wird beendet</translation>
    </message>
    <message>
        <source>done</source>
        <translation>fertig</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>beendet</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>fehlgeschlagen</translation>
    </message>
    <message>
        <source>Job</source>
        <translation>Auftrag</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Started</source>
        <translation>Begonnen</translation>
    </message>
    <message>
        <source>Jobs</source>
        <translation>Aufträge</translation>
    </message>
    <message>
        <source>Level</source>
        <translation>Stufe</translation>
    </message>
    <message>
        <source>Part</source>
        <translation>Teil</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>Text</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <source>End</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>End the preview (Esc)</source>
        <translation>Vorschau beenden (Esc)</translation>
    </message>
    <message>
        <source>Preview of trial %1; the tree keeps %2</source>
        <translation>Vorschau von Versuch %1; der Baum behält %2</translation>
    </message>
</context>
<context>
    <name>edits</name>
    <message>
        <source>Set output quantizer of %1</source>
        <translation>Ausgangsquantisierer von %1 setzen</translation>
    </message>
    <message>
        <source>Set weight quantizer of %1</source>
        <translation>Gewichtsquantisierer von %1 setzen</translation>
    </message>
    <message numerus="yes">
        <source>Set output bits of %n layer(s)</source>
        <translation>
            <numerusform>Ausgangsbits von %n Schicht setzen</numerusform>
            <numerusform>Ausgangsbits von %n Schichten setzen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Set weight bits of %n layer(s)</source>
        <translation>
            <numerusform>Gewichtsbits von %n Schicht setzen</numerusform>
            <numerusform>Gewichtsbits von %n Schichten setzen</numerusform>
        </translation>
    </message>
    <message>
        <source>Preset %1</source>
        <translation>Vorlage %1</translation>
    </message>
    <message>
        <source>Apply trial %1</source>
        <translation>Versuch %1 übernehmen</translation>
    </message>
    <message>
        <source>Branch configuration</source>
        <translation>Konfiguration abzweigen</translation>
    </message>
    <message>
        <source>Choose configuration %1</source>
        <translation>Konfiguration %1 wählen</translation>
    </message>
    <message>
        <source>Change accelerator</source>
        <translation>Beschleuniger ändern</translation>
    </message>
</context>
<context>
    <name>errors</name>
    <message>
        <source>Stopped.</source>
        <translation>Beendet.</translation>
    </message>
    <message>
        <source>A value cannot be used.</source>
        <translation>Ein Wert kann nicht verwendet werden.</translation>
    </message>
    <message>
        <source>Not found.</source>
        <translation>Nicht gefunden.</translation>
    </message>
    <message>
        <source>Reading or writing failed.</source>
        <translation>Lesen oder Schreiben ist fehlgeschlagen.</translation>
    </message>
    <message>
        <source>The file is damaged or not of the format it claims to be.</source>
        <translation>Die Datei ist beschädigt oder nicht von dem Format, das sie vorgibt.</translation>
    </message>
    <message>
        <source>Data and model do not fit together.</source>
        <translation>Daten und Modell passen nicht zusammen.</translation>
    </message>
    <message>
        <source>This file was written by a newer Bitscape.</source>
        <translation>Diese Datei stammt von einem neueren Bitscape.</translation>
    </message>
    <message>
        <source>The model holds parts that cannot be run.</source>
        <translation>Das Modell enthält Teile, die nicht ausgeführt werden können.</translation>
    </message>
    <message>
        <source>No configuration meets the limits.</source>
        <translation>Keine Konfiguration hält die Grenzen ein.</translation>
    </message>
    <message>
        <source>Memory or disk space is not sufficient.</source>
        <translation>Arbeitsspeicher oder Plattenplatz reicht nicht aus.</translation>
    </message>
    <message>
        <source>This is a fault of the program; nothing was changed.</source>
        <translation>Das ist ein Fehler des Programms; nichts wurde geändert.</translation>
    </message>
    <message>
        <source>What</source>
        <translation>Was</translation>
    </message>
    <message>
        <source>Where</source>
        <translation>Wo</translation>
    </message>
    <message>
        <source>What to do</source>
        <translation>Abhilfe</translation>
    </message>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
</context>
<context>
    <name>files</name>
    <message>
        <source>Bitscape projects</source>
        <translation>Bitscape-Projekte</translation>
    </message>
    <message>
        <source>Keras models</source>
        <translation>Keras-Modelle</translation>
    </message>
    <message>
        <source>ONNX models</source>
        <translation>ONNX-Modelle</translation>
    </message>
    <message>
        <source>TFLite models</source>
        <translation>TFLite-Modelle</translation>
    </message>
    <message>
        <source>NumPy arrays</source>
        <translation>NumPy-Felder</translation>
    </message>
    <message>
        <source>Tables</source>
        <translation>Tabellen</translation>
    </message>
    <message>
        <source>IDX images</source>
        <translation>IDX-Bilder</translation>
    </message>
    <message>
        <source>CIFAR-10 batches</source>
        <translation>CIFAR-10-Dateien</translation>
    </message>
    <message>
        <source>TFRecord files</source>
        <translation>TFRecord-Dateien</translation>
    </message>
    <message>
        <source>Projects</source>
        <translation>Projekte</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Data sets</source>
        <translation>Datensätze</translation>
    </message>
    <message>
        <source>All files (*)</source>
        <translation>Alle Dateien (*)</translation>
    </message>
</context>
<context>
    <name>format</name>
    <message>
        <source>%1 s</source>
        <translation>%1 s</translation>
    </message>
    <message>
        <source>%1 min %2 s</source>
        <translation>%1 min %2 s</translation>
    </message>
    <message>
        <source>%1 h %2 min</source>
        <translation>%1 h %2 min</translation>
    </message>
</context>
<context>
    <name>hardware</name>
    <message>
        <source>memory bound</source>
        <translation>speicherbegrenzt</translation>
    </message>
</context>
<context>
    <name>import</name>
    <message>
        <source>%1 of %2 layers cannot be run: %3.</source>
        <translation>%1 von %2 Schichten sind nicht ausführbar: %3.</translation>
    </message>
</context>
<context>
    <name>pages</name>
    <message>
        <source>Welcome</source>
        <translation>Start</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Calibrate</source>
        <translation>Kalibrieren</translation>
    </message>
    <message>
        <source>Train</source>
        <translation>Trainieren</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>Explore</source>
        <translation>Erkunden</translation>
    </message>
    <message>
        <source>Distributions</source>
        <translation>Verteilungen</translation>
    </message>
    <message>
        <source>Hardware</source>
        <translation>Hardware</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <source>Report</source>
        <translation>Bericht</translation>
    </message>
    <message>
        <source>Import</source>
        <translation>Import</translation>
    </message>
</context>
<context>
    <name>plots</name>
    <message>
        <source>%1 / %2: float and quantized values</source>
        <translation>%1 / %2: Gleitkomma und quantisiert</translation>
    </message>
    <message>
        <source>%1 / %2: float values</source>
        <translation>%1 / %2: Gleitkommawerte</translation>
    </message>
    <message>
        <source>Weight value</source>
        <translation>Gewichtswert</translation>
    </message>
    <message numerus="yes">
        <source>%1 bit, %n code(s)</source>
        <translation>
            <numerusform>%1 Bit, %n Code</numerusform>
            <numerusform>%1 Bit, %n Codes</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 output: values seen</source>
        <translation>Ausgang von %1: gesehene Werte</translation>
    </message>
    <message>
        <source>Activation value</source>
        <translation>Aktivierungswert</translation>
    </message>
    <message>
        <source>lowest</source>
        <translation>kleinster</translation>
    </message>
    <message>
        <source>highest</source>
        <translation>größter</translation>
    </message>
    <message>
        <source>Accuracy against energy</source>
        <translation>Genauigkeit gegen Energie</translation>
    </message>
    <message>
        <source>Accuracy against latency</source>
        <translation>Genauigkeit gegen Latenz</translation>
    </message>
    <message>
        <source>Accuracy against weight memory</source>
        <translation>Genauigkeit gegen Gewichtsspeicher</translation>
    </message>
    <message>
        <source>Hypervolume of the front</source>
        <translation>Hypervolumen der Front</translation>
    </message>
    <message>
        <source>Best feasible value so far</source>
        <translation>Bester zulässiger Wert bisher</translation>
    </message>
    <message>
        <source>Loss and accuracy against epoch</source>
        <translation>Verlust und Genauigkeit gegen Epoche</translation>
    </message>
    <message>
        <source>Values, float and quantized</source>
        <translation>Werte, Gleitkomma und quantisiert</translation>
    </message>
    <message>
        <source>Scale per channel</source>
        <translation>Skalenfaktor je Kanal</translation>
    </message>
    <message>
        <source>Distributions per layer</source>
        <translation>Verteilungen je Schicht</translation>
    </message>
    <message>
        <source>Density per channel</source>
        <translation>Dichte je Kanal</translation>
    </message>
    <message>
        <source>Use of lane-slots per layer</source>
        <translation>Nutzung der Spurplätze je Schicht</translation>
    </message>
    <message>
        <source>Energy per layer</source>
        <translation>Energie je Schicht</translation>
    </message>
    <message>
        <source>Roofline</source>
        <translation>Roofline</translation>
    </message>
    <message>
        <source>Precision staircase</source>
        <translation>Bitbreiten-Treppe</translation>
    </message>
    <message numerus="yes">
        <source>float, %n value(s)</source>
        <translation>
            <numerusform>Gleitkomma, %n Wert</numerusform>
            <numerusform>Gleitkomma, %n Werte</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n sample(s)</source>
        <translation>
            <numerusform>%n Beispiel</numerusform>
            <numerusform>%n Beispiele</numerusform>
        </translation>
    </message>
    <message>
        <source>Number line of the quantizer</source>
        <translation>Zahlengerade des Quantisierers</translation>
    </message>
</context>
<context>
    <name>presets</name>
    <message>
        <source>float</source>
        <translation>Gleitkomma</translation>
    </message>
    <message>
        <source>uniform w8 a8</source>
        <translation>einheitlich w8 a8</translation>
    </message>
    <message>
        <source>uniform w4 a4</source>
        <translation>einheitlich w4 a4</translation>
    </message>
    <message>
        <source>uniform w2 a2</source>
        <translation>einheitlich w2 a2</translation>
    </message>
    <message>
        <source>uniform w4 a8</source>
        <translation>einheitlich w4 a8</translation>
    </message>
    <message>
        <source>fixed 16 bit</source>
        <translation>Festkomma 16 Bit</translation>
    </message>
</context>
<context>
    <name>preview</name>
    <message>
        <source>Cannot be opened</source>
        <translation>Lässt sich nicht öffnen</translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s)</source>
        <translation>
            <numerusform>%n Schicht</numerusform>
            <numerusform>%n Schichten</numerusform>
        </translation>
    </message>
    <message>
        <source>%1 parameters, %2 MACs per sample</source>
        <translation>%1 Parameter, %2 MACs je Beispiel</translation>
    </message>
    <message>
        <source>input %1: %2</source>
        <translation>Eingang %1: %2</translation>
    </message>
    <message numerus="yes">
        <source>%n configuration(s)</source>
        <translation>
            <numerusform>%n Konfiguration</numerusform>
            <numerusform>%n Konfigurationen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n study(s)</source>
        <translation>
            <numerusform>%n Studie</numerusform>
            <numerusform>%n Studien</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n sample(s)</source>
        <translation>
            <numerusform>%n Beispiel</numerusform>
            <numerusform>%n Beispiele</numerusform>
        </translation>
    </message>
    <message>
        <source>A data set</source>
        <translation>Ein Datensatz</translation>
    </message>
    <message>
        <source>%1 of %2</source>
        <translation>%1 zu %2</translation>
    </message>
    <message>
        <source>values %1 … %2</source>
        <translation>Werte %1 … %2</translation>
    </message>
    <message numerus="yes">
        <source>%n class(es)</source>
        <translation>
            <numerusform>%n Klasse</numerusform>
            <numerusform>%n Klassen</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>progress</name>
    <message>
        <source>working</source>
        <translation>in Arbeit</translation>
    </message>
    <message>
        <source>images</source>
        <translation>Bildern</translation>
    </message>
    <message>
        <source>samples</source>
        <translation>Beispielen</translation>
    </message>
    <message>
        <source>steps</source>
        <translation>Schritten</translation>
    </message>
    <message>
        <source>epochs</source>
        <translation>Epochen</translation>
    </message>
    <message>
        <source>trials</source>
        <translation>Versuchen</translation>
    </message>
    <message>
        <source>bytes</source>
        <translation>Bytes</translation>
    </message>
    <message>
        <source>%1 of %2 %3</source>
        <translation>%1 von %2 %3</translation>
    </message>
    <message>
        <source>%1, about %2 left</source>
        <translation>%1, noch etwa %2</translation>
    </message>
</context>
<context>
    <name>quantizers</name>
    <message>
        <source>Becomes %1 inside a layer.</source>
        <translation>Wird innerhalb einer Schicht zu %1.</translation>
    </message>
    <message numerus="yes">
        <source>%n level(s), %1 … %2</source>
        <translation>
            <numerusform>%n Stufe, %1 … %2</numerusform>
            <numerusform>%n Stufen, %1 … %2</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n bit(s)</source>
        <translation>
            <numerusform>%n Bit</numerusform>
            <numerusform>%n Bits</numerusform>
        </translation>
    </message>
    <message>
        <source>step %1</source>
        <translation>Schritt %1</translation>
    </message>
    <message>
        <source>times a scale fitted to the data</source>
        <translation>mal ein an die Daten angepasster Skalenfaktor</translation>
    </message>
</context>
<context>
    <name>report</name>
    <message>
        <source>%1, page %2 of %3</source>
        <translation>%1, Seite %2 von %3</translation>
    </message>
    <message>
        <source>Export report</source>
        <translation>Bericht exportieren</translation>
    </message>
    <message>
        <source>The report was written to %1.</source>
        <translation>Der Bericht wurde nach %1 geschrieben.</translation>
    </message>
</context>
<context>
    <name>strip</name>
    <message>
        <source>Accuracy</source>
        <translation>Genauigkeit</translation>
    </message>
    <message>
        <source>Being measured on a sample.</source>
        <translation>Wird an einer Stichprobe gemessen.</translation>
    </message>
    <message>
        <source>Needs a data set with labels.</source>
        <translation>Braucht einen Datensatz mit Klassen.</translation>
    </message>
    <message>
        <source>Right answers ÷ all samples of the data set.</source>
        <translation>Richtige Antworten ÷ alle Beispiele des Datensatzes.</translation>
    </message>
    <message>
        <source>Accuracy (sample of %1)</source>
        <translation>Genauigkeit (Stichprobe von %1)</translation>
    </message>
    <message>
        <source>Right answers ÷ samples, on the last part of the data; ± one standard error. F5 evaluates on all of it.</source>
        <translation>Richtige Antworten ÷ Beispiele im letzten Teil der Daten; ± ein Standardfehler. F5 wertet auf allen aus.</translation>
    </message>
    <message>
        <source>%1 to float</source>
        <translation>%1 zu Gleitkomma</translation>
    </message>
    <message>
        <source>measuring</source>
        <translation>wird gemessen</translation>
    </message>
    <message>
        <source>Weights, packed</source>
        <translation>Gewichte, gepackt</translation>
    </message>
    <message>
        <source>Bits of all weights and biases, stored with exact widths.</source>
        <translation>Bits aller Gewichte und Bias, mit genauen Breiten gespeichert.</translation>
    </message>
    <message>
        <source>Energy / inference (est.)</source>
        <translation>Energie je Inferenz (gesch.)</translation>
    </message>
    <message>
        <source>Sum over the layers on the accelerator in use; parts on the Hardware page.</source>
        <translation>Summe über die Schichten auf dem gewählten Beschleuniger; Anteile auf der Seite Hardware.</translation>
    </message>
    <message>
        <source>Latency (est., %1 MHz)</source>
        <translation>Latenz (gesch., %1 MHz)</translation>
    </message>
    <message>
        <source>Clock cycles of all layers ÷ clock frequency.</source>
        <translation>Takte aller Schichten ÷ Taktfrequenz.</translation>
    </message>
    <message>
        <source>Utilization (MAC / lane-slots)</source>
        <translation>Auslastung (MAC / Spurplätze)</translation>
    </message>
    <message>
        <source>Useful lane-slots ÷ offered lane-slots, over all layers on the array.</source>
        <translation>Genutzte ÷ angebotene Spurplätze über alle Schichten auf dem Rechenfeld.</translation>
    </message>
    <message numerus="yes">
        <source>Accuracy (%n sample(s))</source>
        <translation>
            <numerusform>Genauigkeit (%n Beispiel)</numerusform>
            <numerusform>Genauigkeit (%n Beispiele)</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>trials</name>
    <message>
        <source>waiting</source>
        <translation>wartet</translation>
    </message>
    <message>
        <source>running</source>
        <translation>läuft</translation>
    </message>
    <message>
        <source>complete</source>
        <translation>fertig</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>fehlgeschlagen</translation>
    </message>
    <message>
        <source>Trial</source>
        <translation>Versuch</translation>
    </message>
    <message>
        <source>State</source>
        <translation>Zustand</translation>
    </message>
    <message>
        <source>Front</source>
        <translation>Front</translation>
    </message>
    <message>
        <source>Accuracy %</source>
        <translation>Genauigkeit %</translation>
    </message>
    <message>
        <source>± pt</source>
        <translation>± Pp.</translation>
    </message>
    <message>
        <source>One standard error, in points</source>
        <translation>Ein Standardfehler, in Prozentpunkten</translation>
    </message>
    <message>
        <source>Energy µJ</source>
        <translation>Energie µJ</translation>
    </message>
    <message>
        <source>Estimate on the accelerator in use</source>
        <translation>Schätzung auf dem gewählten Beschleuniger</translation>
    </message>
    <message>
        <source>Latency ms</source>
        <translation>Latenz ms</translation>
    </message>
    <message>
        <source>Weights KiB</source>
        <translation>Gewichte KiB</translation>
    </message>
    <message>
        <source>Util. %</source>
        <translation>Ausl. %</translation>
    </message>
    <message>
        <source>AutoQ score</source>
        <translation>AutoQ-Wert</translation>
    </message>
    <message>
        <source>Weight bits, layer order</source>
        <translation>Gewichtsbits, je Schicht</translation>
    </message>
    <message>
        <source>Activation bits, layer order</source>
        <translation>Aktivierungsbits, je Schicht</translation>
    </message>
    <message>
        <source>Time s</source>
        <translation>Zeit s</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>Only front</source>
        <translation>Nur Front</translation>
    </message>
    <message>
        <source>Trials</source>
        <translation>Versuche</translation>
    </message>
    <message>
        <source>Ctrl+Enter: apply to the tree</source>
        <translation>Strg+Eingabe: übernehmen</translation>
    </message>
    <message>
        <source>Apply to tree</source>
        <translation>Übernehmen</translation>
    </message>
    <message>
        <source>Showing %1 of %2 trials</source>
        <translation>%1 von %2 Versuchen</translation>
    </message>
    <message>
        <source>No trials yet.</source>
        <translation>Noch keine Versuche.</translation>
    </message>
</context>
</TS>
