<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>bitscape::app::CalibratePage</name>
    <message numerus="yes">
        <source>Ranges from %n sample(s) may miss large values.</source>
        <translation>
            <numerusform>Ranges from %n sample may miss large values.</numerusform>
            <numerusform>Ranges from %n samples may miss large values.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n tensor(s)</source>
        <translation>
            <numerusform>%n tensor</numerusform>
            <numerusform>%n tensors</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Histograms from %n sample(s)</source>
        <translation>
            <numerusform>Histograms from %n sample</numerusform>
            <numerusform>Histograms from %n samples</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::ComparePage</name>
    <message numerus="yes">
        <source>%n layer(s) differ</source>
        <translation>
            <numerusform>%n layer differs</numerusform>
            <numerusform>%n layers differ</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::DataPanel</name>
    <message numerus="yes">
        <source>%n class(es)</source>
        <translation>
            <numerusform>%n class</numerusform>
            <numerusform>%n classes</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::DistributionsPage</name>
    <message numerus="yes">
        <source>%n weight tensor(s), %1 values</source>
        <translation>
            <numerusform>%n weight tensor, %1 values</numerusform>
            <numerusform>%n weight tensors, %1 values</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::ExplorePage</name>
    <message numerus="yes">
        <source>%1: %n trial(s), %2 on the front</source>
        <translation>
            <numerusform>%1: %n trial, %2 on the front</numerusform>
            <numerusform>%1: %n trials, %2 on the front</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::HardwarePage</name>
    <message numerus="yes">
        <source>%n layer(s) on the CPU fallback</source>
        <translation>
            <numerusform>%n layer on the CPU fallback</numerusform>
            <numerusform>%n layers on the CPU fallback</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::ImportPage</name>
    <message numerus="yes">
        <source>All %n layer(s) can be run.</source>
        <translation>
            <numerusform>The one layer can be run.</numerusform>
            <numerusform>All %n layers can be run.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s) in the file</source>
        <translation>
            <numerusform>%n layer in the file</numerusform>
            <numerusform>%n layers in the file</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::InspectorPanel</name>
    <message numerus="yes">
        <source>%n bit(s)</source>
        <translation>
            <numerusform>%n bit</numerusform>
            <numerusform>%n bits</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n value(s)</source>
        <translation>
            <numerusform>%n value</numerusform>
            <numerusform>%n values</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::MainWindow</name>
    <message numerus="yes">
        <source>Engine: %n thread(s), %1</source>
        <translation>
            <numerusform>Engine: %n thread, %1</numerusform>
            <numerusform>Engine: %n threads, %1</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::ModelPage</name>
    <message numerus="yes">
        <source>%n match(es)</source>
        <translation>
            <numerusform>%n match</numerusform>
            <numerusform>%n matches</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n layer(s) selected</source>
        <translation>
            <numerusform>%n layer selected</numerusform>
            <numerusform>%n layers selected</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Apply to %n layer(s)</source>
        <translation>
            <numerusform>Apply to %n layer</numerusform>
            <numerusform>Apply to %n layers</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Set bits of %n layer(s)</source>
        <translation>
            <numerusform>Set bits of %n layer</numerusform>
            <numerusform>Set bits of %n layers</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%1 of %n quantizable layer(s) selected</source>
        <translation>
            <numerusform>%1 of %n quantizable layer selected</numerusform>
            <numerusform>%1 of %n quantizable layers selected</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n quantizable layer(s)</source>
        <translation>
            <numerusform>%n quantizable layer</numerusform>
            <numerusform>%n quantizable layers</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::ReportPage</name>
    <message numerus="yes">
        <source>%n section(s)</source>
        <translation>
            <numerusform>%n section</numerusform>
            <numerusform>%n sections</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::SearchSetup</name>
    <message numerus="yes">
        <source>%n choice(s), about 10^%1 configurations.</source>
        <translation>
            <numerusform>%n choice, about 10^%1 configurations.</numerusform>
            <numerusform>%n choices, about 10^%1 configurations.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::TourCard</name>
    <message numerus="yes">
        <source>Validation accuracy %1 % after %n epoch(s).</source>
        <translation>
            <numerusform>Validation accuracy %1 % after %n epoch.</numerusform>
            <numerusform>Validation accuracy %1 % after %n epochs.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Histograms of %n image(s).</source>
        <translation>
            <numerusform>Histograms of %n image.</numerusform>
            <numerusform>Histograms of %n images.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n trial(s), %1 on the front.</source>
        <translation>
            <numerusform>%n trial, %1 on the front.</numerusform>
            <numerusform>%n trials, %1 on the front.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::app::TrainPage</name>
    <message numerus="yes">
        <source>%n epoch(s) trained</source>
        <translation>
            <numerusform>%n epoch trained</numerusform>
            <numerusform>%n epochs trained</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::LayerTreeModel</name>
    <message numerus="yes">
        <source>%n layer(s)</source>
        <translation>
            <numerusform>%n layer</numerusform>
            <numerusform>%n layers</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>bitscape::widgets::ParetoPlot</name>
    <message numerus="yes">
        <source>%Ln trial(s), %1 on the front</source>
        <translation>
            <numerusform>%Ln trial, %1 on the front</numerusform>
            <numerusform>%Ln trials, %1 on the front</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>edits</name>
    <message numerus="yes">
        <source>Set output bits of %n layer(s)</source>
        <translation>
            <numerusform>Set output bits of %n layer</numerusform>
            <numerusform>Set output bits of %n layers</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Set weight bits of %n layer(s)</source>
        <translation>
            <numerusform>Set weight bits of %n layer</numerusform>
            <numerusform>Set weight bits of %n layers</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>plots</name>
    <message numerus="yes">
        <source>%1 bit, %n code(s)</source>
        <translation>
            <numerusform>%1 bit, %n code</numerusform>
            <numerusform>%1 bit, %n codes</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>float, %n value(s)</source>
        <translation>
            <numerusform>float, %n value</numerusform>
            <numerusform>float, %n values</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n sample(s)</source>
        <translation>
            <numerusform>%n sample</numerusform>
            <numerusform>%n samples</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>preview</name>
    <message numerus="yes">
        <source>%n layer(s)</source>
        <translation>
            <numerusform>%n layer</numerusform>
            <numerusform>%n layers</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n configuration(s)</source>
        <translation>
            <numerusform>%n configuration</numerusform>
            <numerusform>%n configurations</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n study(s)</source>
        <translation>
            <numerusform>%n study</numerusform>
            <numerusform>%n studies</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n sample(s)</source>
        <translation>
            <numerusform>%n sample</numerusform>
            <numerusform>%n samples</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n class(es)</source>
        <translation>
            <numerusform>%n class</numerusform>
            <numerusform>%n classes</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>quantizers</name>
    <message numerus="yes">
        <source>%n level(s), %1 … %2</source>
        <translation>
            <numerusform>%n level, %1 … %2</numerusform>
            <numerusform>%n levels, %1 … %2</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n bit(s)</source>
        <translation>
            <numerusform>%n bit</numerusform>
            <numerusform>%n bits</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>strip</name>
    <message numerus="yes">
        <source>Accuracy (%n sample(s))</source>
        <translation>
            <numerusform>Accuracy (%n sample)</numerusform>
            <numerusform>Accuracy (%n samples)</numerusform>
        </translation>
    </message>
</context>
</TS>
