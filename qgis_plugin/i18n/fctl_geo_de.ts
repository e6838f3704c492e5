<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
  <context>
    <name>FctlGeo</name>
    <message>
      <source>The area of interest</source>
      <translation>Das Interessengebiet</translation>
    </message>
    <message>
      <source>The result {} has the ending '{}'; the engine writes {}.</source>
      <translation>Das Ergebnis {} hat die Endung '{}'; die Maschine schreibt {}.</translation>
    </message>
    <message>
      <source>Segmenting</source>
      <translation>Segmentieren</translation>
    </message>
    <message>
      <source>Refining</source>
      <translation>Verfeinern</translation>
    </message>
    <message>
      <source>Merging small regions</source>
      <translation>Kleine Flächen zusammenlegen</translation>
    </message>
    <message>
      <source>Measuring areas</source>
      <translation>Flächen messen</translation>
    </message>
    <message>
      <source>Writing the class raster</source>
      <translation>Klassenraster schreiben</translation>
    </message>
    <message>
      <source>Tracing polygons</source>
      <translation>Polygone verfolgen</translation>
    </message>
    <message>
      <source>Writing polygons</source>
      <translation>Polygone schreiben</translation>
    </message>
    <message>
      <source>Training</source>
      <translation>Trainieren</translation>
    </message>
    <message>
      <source>Segmenting what the second network learns from</source>
      <translation>Segmentieren, woraus das zweite Netz lernt</translation>
    </message>
    <message>
      <source>Training the second network</source>
      <translation>Zweites Netz trainieren</translation>
    </message>
    <message>
      <source>Evaluating</source>
      <translation>Auswerten</translation>
    </message>
    <message>
      <source>The result {} would replace the input itself.</source>
      <translation>Das Ergebnis {} würde die Eingabe selbst ersetzen.</translation>
    </message>
    <message>
      <source>Choose another name.</source>
      <translation>Einen anderen Namen wählen.</translation>
    </message>
    <message>
      <source>Evaluate model</source>
      <translation>Modell bewerten</translation>
    </message>
    <message>
      <source>accuracy,quality,IoU,confusion matrix,validation,ground truth</source>
      <translation>Genauigkeit,Qualität,IoU,Konfusionsmatrix,Validierung,Referenzdaten</translation>
    </message>
    <message>
      <source>How good a model is on your own ground truth</source>
      <translation>Wie gut ein Modell auf eigenen Referenzdaten ist</translation>
    </message>
    <message>
      <source>&lt;p&gt;Segments an image and compares the result with the truth: intersection over union, precision and recall of each class, and which classes are taken for which.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Takes&lt;/b&gt; a raster layer, and the truth: polygons with a field of classes, or a class raster.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gives&lt;/b&gt; a report to read (HTML) and one for programs (JSON).&lt;/p&gt;</source>
      <translation>&lt;p&gt;Segmentiert ein Bild und vergleicht das Ergebnis mit der Wahrheit: Schnitt durch Vereinigung (IoU), Genauigkeit und Trefferquote jeder Klasse, und welche Klassen für welche gehalten werden.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Nimmt&lt;/b&gt; einen Rasterlayer und die Wahrheit: Polygone mit einem Feld der Klassen oder ein Klassenraster.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gibt&lt;/b&gt; einen Bericht zum Lesen (HTML) und einen für Programme (JSON).&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Image</source>
      <translation>Bild</translation>
    </message>
    <message>
      <source>Model</source>
      <translation>Modell</translation>
    </message>
    <message>
      <source>True polygons</source>
      <translation>Wahre Polygone</translation>
    </message>
    <message>
      <source>Either these, or a raster of true classes.</source>
      <translation>Entweder diese oder ein Raster der wahren Klassen.</translation>
    </message>
    <message>
      <source>Field of the class</source>
      <translation>Feld der Klasse</translation>
    </message>
    <message>
      <source>or raster of true classes</source>
      <translation>oder Raster der wahren Klassen</translation>
    </message>
    <message>
      <source>Report</source>
      <translation>Bericht</translation>
    </message>
    <message>
      <source>Report for programs</source>
      <translation>Bericht für Programme</translation>
    </message>
    <message>
      <source>mean IoU</source>
      <translation>mittlere IoU</translation>
    </message>
    <message>
      <source>Summary (JSON)</source>
      <translation>Zusammenfassung (JSON)</translation>
    </message>
    <message>
      <source>The truth is missing, or given twice.</source>
      <translation>Die Wahrheit fehlt oder ist doppelt angegeben.</translation>
    </message>
    <message>
      <source>Choose either true polygons or a raster of true classes.</source>
      <translation>Entweder wahre Polygone oder ein Raster der wahren Klassen wählen.</translation>
    </message>
    <message>
      <source>The field of the class is missing.</source>
      <translation>Das Feld der Klasse fehlt.</translation>
    </message>
    <message>
      <source>Choose the field that names the classes.</source>
      <translation>Das Feld wählen, das die Klassen nennt.</translation>
    </message>
    <message>
      <source>'{}' is an online layer.</source>
      <translation>'{}' ist ein Online-Layer.</translation>
    </message>
    <message>
      <source>Export the part you want to evaluate to a file first: right click &gt; Export &gt; Save As.</source>
      <translation>Den Teil, der bewertet werden soll, zuerst in eine Datei exportieren: Rechtsklick &gt; Export &gt; Speichern als.</translation>
    </message>
    <message>
      <source>The layer of labels</source>
      <translation>Der Layer der Beschriftungen</translation>
    </message>
    <message>
      <source>A model that comes with the engine, or one that was trained here. The panel 'FCtL Geo' shows what each one knows, and for which ground size it was made.</source>
      <translation>Ein Modell, das mit der Maschine kommt, oder eines, das hier trainiert wurde. Das Bedienfeld 'FCtL Geo' zeigt, was jedes kennt und für welche Bodenauflösung es gemacht ist.</translation>
    </message>
    <message>
      <source>Model file instead</source>
      <translation>Stattdessen Modelldatei</translation>
    </message>
    <message>
      <source>Model files</source>
      <translation>Modelldateien</translation>
    </message>
    <message>
      <source>A model file (.safetensors) of your own; if it is given, the model above is not used.</source>
      <translation>Eine eigene Modelldatei (.safetensors); ist sie angegeben, wird das Modell oben nicht benutzt.</translation>
    </message>
    <message>
      <source>Smallest region (m²)</source>
      <translation>Kleinste Fläche (m²)</translation>
    </message>
    <message>
      <source>Smaller regions go to the neighbour with which they share the longest border. 0 keeps all. In pixels, where the layer has no CRS.</source>
      <translation>Kleinere Flächen gehen an den Nachbarn, mit dem sie die längste Grenze teilen. 0 behält alle. In Pixeln, wo der Layer kein KBS hat.</translation>
    </message>
    <message>
      <source>Straighten borders within (m)</source>
      <translation>Grenzen begradigen innerhalb von (m)</translation>
    </message>
    <message>
      <source>Borders may move this far to become straight; neighbours keep sharing them, without gaps or overlaps. 0 keeps the pixels' edges. One to two pixels look good.</source>
      <translation>Grenzen dürfen sich so weit bewegen, um gerade zu werden; Nachbarn teilen sie weiterhin, ohne Lücken und Überlappungen. 0 behält die Pixelkanten. Ein bis zwei Pixel sehen gut aus.</translation>
    </message>
    <message>
      <source>Right angles for buildings</source>
      <translation>Rechte Winkel für Gebäude</translation>
    </message>
    <message>
      <source>Outlines of objects, such as buildings, get right angles, and walls that touching buildings share. 45: half angles, too; any: long walls keep their direction. Does nothing for a model or raster that knows no objects.</source>
      <translation>Umrisse von Objekten, etwa Gebäuden, bekommen rechte Winkel, und Gebäude, die sich berühren, gemeinsame Wände. 45: auch halbe Winkel; any: lange Wände behalten ihre Richtung. Ohne Wirkung, wenn Modell oder Raster keine Objekte kennt.</translation>
    </message>
    <message>
      <source>Polygons of these classes only</source>
      <translation>Nur Polygone dieser Klassen</translation>
    </message>
    <message>
      <source>Names of classes with commas between them, for example 'building,water'. Empty: all but the background.</source>
      <translation>Namen von Klassen mit Kommas dazwischen, zum Beispiel 'building,water'. Leer: alle außer dem Hintergrund.</translation>
    </message>
    <message>
      <source>Separate objects at connections narrower than (m)</source>
      <translation>Objekte trennen, wo sie schmaler verbunden sind als (m)</translation>
    </message>
    <message>
      <source>Where two houses touch along less than this, each gets a polygon of its own.</source>
      <translation>Wo zwei Häuser sich auf weniger als dieser Breite berühren, bekommt jedes sein eigenes Polygon.</translation>
    </message>
    <message>
      <source>Separate touching objects</source>
      <translation>Aneinanderstoßende Objekte trennen</translation>
    </message>
    <message>
      <source>A polygon for each house, also where houses touch: they share the wall. The class raster stays as it is.</source>
      <translation>Ein Polygon je Haus, auch wo Häuser aneinanderstoßen: Sie teilen sich die Wand. Das Klassenraster bleibt, wie es ist.</translation>
    </message>
    <message>
      <source>Separate touching objects of these classes</source>
      <translation>Aneinanderstoßende Objekte dieser Klassen trennen</translation>
    </message>
    <message>
      <source>A polygon for each house, also where houses touch, for example 'building'. Empty: as the raster says; 'none': of no class.</source>
      <translation>Ein Polygon je Haus, auch wo Häuser aneinanderstoßen, zum Beispiel 'building'. Leer: wie das Raster es sagt; 'none': von keiner Klasse.</translation>
    </message>
    <message>
      <source>Bands, in the model's order</source>
      <translation>Kanäle in der Reihenfolge des Modells</translation>
    </message>
    <message>
      <source>Numbers (4,3,2) or names (nir,red,green). Empty: found by their colours.</source>
      <translation>Nummern (4,3,2) oder Namen (nir,red,green). Leer: nach ihren Farben gefunden.</translation>
    </message>
    <message>
      <source>Ground size of the layer's pixels (m)</source>
      <translation>Bodenauflösung der Pixel des Layers (m)</translation>
    </message>
    <message>
      <source>Only for a layer that does not say it, or says it wrong. For online layers: the ground size to fetch; empty: the model's.</source>
      <translation>Nur für einen Layer, der sie nicht oder falsch angibt. Für Online-Layer: die Bodenauflösung, die geholt wird; leer: die des Modells.</translation>
    </message>
    <message>
      <source>Pixels of the results</source>
      <translation>Pixel der Ergebnisse</translation>
    </message>
    <message>
      <source>'scene': the layer's own pixels. 'model': pixels of the model's ground size.</source>
      <translation>'scene': die eigenen Pixel des Layers. 'model': Pixel der Bodenauflösung des Modells.</translation>
    </message>
    <message>
      <source>Pixels without data</source>
      <translation>Pixel ohne Daten</translation>
    </message>
    <message>
      <source>'auto': as the file says. 'none': every pixel is data. 'alpha': by the alpha band alone. 'nodata=-9999': pixels with that value in all bands.</source>
      <translation>'auto': wie die Datei es sagt. 'none': jedes Pixel zählt. 'alpha': allein nach dem Alphakanal. 'nodata=-9999': Pixel mit diesem Wert in allen Kanälen.</translation>
    </message>
    <message>
      <source>Trust files that the image points to</source>
      <translation>Dateien vertrauen, auf die das Bild verweist</translation>
    </message>
    <message>
      <source>A VRT may point to files or servers outside of its folder. QGIS has read them already to show the layer; untick it for images from strangers.</source>
      <translation>Ein VRT kann auf Dateien oder Server außerhalb seines Ordners verweisen. QGIS hat sie schon gelesen, um den Layer zu zeigen; bei Bildern von Fremden abwählen.</translation>
    </message>
    <message>
      <source>Overlapping patches</source>
      <translation>Überlappende Ausschnitte</translation>
    </message>
    <message>
      <source>'blend' has no seams; 'average' is the mean; 'montage' puts cores side by side.</source>
      <translation>'blend' hat keine Nähte; 'average' ist der Mittelwert; 'montage' legt Kerne nebeneinander.</translation>
    </message>
    <message>
      <source>Look several times</source>
      <translation>Mehrmals hinsehen</translation>
    </message>
    <message>
      <source>'flips' also looks at the mirrored scene (4 times the work), 'd4' at the turned one (8 times): a little better.</source>
      <translation>'flips' sieht auch die gespiegelte Szene (4-fache Arbeit), 'd4' auch die gedrehte (8-fach): etwas besser.</translation>
    </message>
    <message>
      <source>Refine with the second network</source>
      <translation>Mit dem zweiten Netz verfeinern</translation>
    </message>
    <message>
      <source>Cleans borders and small errors by what lies around them.</source>
      <translation>Bereinigt Grenzen und kleine Fehler nach dem, was um sie herum liegt.</translation>
    </message>
    <message>
      <source>Precision</source>
      <translation>Rechengenauigkeit</translation>
    </message>
    <message>
      <source>'auto': fp32 on a CPU, bf16 on a graphics card that has it.</source>
      <translation>'auto': fp32 auf einer CPU, bf16 auf einer Grafikkarte, die es kann.</translation>
    </message>
    <message>
      <source>Patches a step</source>
      <translation>Ausschnitte je Schritt</translation>
    </message>
    <message>
      <source>On a graphics card; empty: as many as fit.</source>
      <translation>Auf einer Grafikkarte; leer: so viele, wie hineinpassen.</translation>
    </message>
    <message>
      <source>CPU workers</source>
      <translation>CPU-Arbeiter</translation>
    </message>
    <message>
      <source>Empty: all cores, or as set in the options.</source>
      <translation>Leer: alle Kerne oder wie in den Optionen eingestellt.</translation>
    </message>
    <message>
      <source>Most memory (MB)</source>
      <translation>Höchster Speicher (MB)</translation>
    </message>
    <message>
      <source>Empty: what the run's plan needs.</source>
      <translation>Leer: was der Plan des Laufs braucht.</translation>
    </message>
    <message>
      <source>Class of what no polygon covers</source>
      <translation>Klasse dessen, was kein Polygon bedeckt</translation>
    </message>
    <message>
      <source>For example 'background' or 'land', if all of the area is labelled. Empty: it is not known, and not used.</source>
      <translation>Zum Beispiel 'background' oder 'land', wenn das ganze Gebiet beschriftet ist. Leer: unbekannt und nicht benutzt.</translation>
    </message>
    <message>
      <source>Area that is labelled</source>
      <translation>Gebiet, das beschriftet ist</translation>
    </message>
    <message>
      <source>Only what lies inside is used. Empty: all of the image.</source>
      <translation>Nur was darin liegt, wird benutzt. Leer: das ganze Bild.</translation>
    </message>
    <message>
      <source>Area of interest</source>
      <translation>Interessengebiet</translation>
    </message>
    <message>
      <source>Only inside these polygons, in any CRS; what lies outside is no data.</source>
      <translation>Nur innerhalb dieser Polygone, in jedem KBS; was außerhalb liegt, hat keinen Wert.</translation>
    </message>
    <message>
      <source>'auto' takes the graphics card if there is one; or cpu, cuda, cuda:1.</source>
      <translation>'auto' nimmt die Grafikkarte, wenn es eine gibt; oder cpu, cuda, cuda:1.</translation>
    </message>
    <message>
      <source>Device</source>
      <translation>Gerät</translation>
    </message>
    <message>
      <source>Polygonise class raster</source>
      <translation>Klassenraster polygonisieren</translation>
    </message>
    <message>
      <source>vectorise,raster to vector,polygonize,classes,simplify</source>
      <translation>vektorisieren,Raster zu Vektor,polygonisieren,Klassen,vereinfachen</translation>
    </message>
    <message>
      <source>Polygons of anybody's class raster, of any size, with shared borders</source>
      <translation>Polygone aus jedem Klassenraster, beliebig groß, mit gemeinsamen Grenzen</translation>
    </message>
    <message>
      <source>&lt;p&gt;Draws the regions of a class raster as polygons, while the raster streams by: it takes the same little memory for any size. No polygon is cut at a tile's border; neighbours share their borders also when they are straightened.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Takes&lt;/b&gt; a raster layer with one band of class numbers from 0 to 254; names and colours come from its palette and attribute table.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gives&lt;/b&gt; polygons with class number, class name, true area in m² and, with a confidence raster, its mean.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Zeichnet die Flächen eines Klassenrasters als Polygone, während das Raster vorüberströmt: Das braucht für jede Größe denselben kleinen Speicher. Kein Polygon wird an einer Kachelgrenze zerschnitten; Nachbarn teilen ihre Grenzen auch dann, wenn sie begradigt werden.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Nimmt&lt;/b&gt; einen Rasterlayer mit einem Kanal von Klassennummern von 0 bis 254; Namen und Farben kommen aus seiner Palette und Attributtabelle.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gibt&lt;/b&gt; Polygone mit Klassennummer, Klassenname, wahrer Fläche in m² und, mit einem Konfidenzraster, dessen Mittel.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Class raster</source>
      <translation>Klassenraster</translation>
    </message>
    <message>
      <source>Confidence raster</source>
      <translation>Konfidenzraster</translation>
    </message>
    <message>
      <source>Percentages on the same grid; each polygon gets its mean.</source>
      <translation>Prozente auf demselben Gitter; jedes Polygon bekommt ihr Mittel.</translation>
    </message>
    <message>
      <source>Ground size of a pixel (m)</source>
      <translation>Bodenauflösung eines Pixels (m)</translation>
    </message>
    <message>
      <source>Only for a raster that does not say it.</source>
      <translation>Nur für ein Raster, das sie nicht angibt.</translation>
    </message>
    <message>
      <source>Polygons</source>
      <translation>Polygone</translation>
    </message>
    <message>
      <source>Number of polygons</source>
      <translation>Anzahl der Polygone</translation>
    </message>
    <message>
      <source>{}: polygons</source>
      <translation>{}: Polygone</translation>
    </message>
    <message>
      <source>Refine class raster</source>
      <translation>Klassenraster verfeinern</translation>
    </message>
    <message>
      <source>clean,smooth,classification,sieve,majority,deep learning</source>
      <translation>bereinigen,glätten,Klassifikation,sieben,Mehrheit,Deep Learning</translation>
    </message>
    <message>
      <source>Cleans borders and small errors of anybody's class raster</source>
      <translation>Bereinigt Grenzen und kleine Fehler jedes Klassenrasters</translation>
    </message>
    <message>
      <source>&lt;p&gt;Runs a model's second network alone: it reads classes, not images, and gives each place the class that fits what lies around it. Seams and small errors go, borders follow their neighbourhood.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Takes&lt;/b&gt; a raster layer with one band of class numbers, of any origin.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gives&lt;/b&gt; a class raster on the same grid with the same classes; no data stays no data.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Führt das zweite Netz eines Modells allein aus: Es liest Klassen, keine Bilder, und gibt jeder Stelle die Klasse, die zu dem passt, was um sie herum liegt. Nähte und kleine Fehler verschwinden, Grenzen folgen ihrer Nachbarschaft.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Nimmt&lt;/b&gt; einen Rasterlayer mit einem Kanal von Klassennummern, gleich welcher Herkunft.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gibt&lt;/b&gt; ein Klassenraster auf demselben Gitter mit denselben Klassen; kein Wert bleibt kein Wert.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Model whose second network refines</source>
      <translation>Modell, dessen zweites Netz verfeinert</translation>
    </message>
    <message>
      <source>Refined classes</source>
      <translation>Verfeinerte Klassen</translation>
    </message>
    <message>
      <source>The model '{}' has no refinement network.</source>
      <translation>Das Modell '{}' hat kein Netz zum Verfeinern.</translation>
    </message>
    <message>
      <source>Choose another model.</source>
      <translation>Ein anderes Modell wählen.</translation>
    </message>
    <message>
      <source>{}: refined</source>
      <translation>{}: verfeinert</translation>
    </message>
    <message>
      <source>'{}' is an online layer, which has colours and no class numbers.</source>
      <translation>'{}' ist ein Online-Layer; er hat Farben und keine Klassennummern.</translation>
    </message>
    <message>
      <source>Choose a raster file with one band of class numbers.</source>
      <translation>Eine Rasterdatei mit einem Kanal von Klassennummern wählen.</translation>
    </message>
    <message>
      <source>'{}' has {} bands; a class raster has one.</source>
      <translation>'{}' hat {} Kanäle; ein Klassenraster hat einen.</translation>
    </message>
    <message>
      <source>Segment it first, or extract the band with the class numbers.</source>
      <translation>Zuerst segmentieren oder den Kanal mit den Klassennummern herausnehmen.</translation>
    </message>
    <message>
      <source>Segment folder</source>
      <translation>Ordner segmentieren</translation>
    </message>
    <message>
      <source>batch,many,directory,tiles,orthophotos,land cover,buildings</source>
      <translation>Stapel,viele,Verzeichnis,Kacheln,Orthophotos,Landbedeckung,Gebäude</translation>
    </message>
    <message>
      <source>All images of a folder; run it again to do only what is missing or has changed</source>
      <translation>Alle Bilder eines Ordners; noch einmal gestartet wird nur getan, was fehlt oder sich geändert hat</translation>
    </message>
    <message>
      <source>&lt;p&gt;Segments all images below a folder, one after the other, with one model.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Takes&lt;/b&gt; a folder; every raster in it that GDAL reads is a scene.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gives&lt;/b&gt; a folder with the results of each scene under the scene's name, and a record of all (batch.sqlite). A scene that fails is named in the log with its reason and does not stop the others. Run it again with the same folders to do only what is missing, has changed or had failed.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Segmentiert alle Bilder unter einem Ordner, eines nach dem anderen, mit einem Modell.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Nimmt&lt;/b&gt; einen Ordner; jedes Raster darin, das GDAL liest, ist eine Szene.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gibt&lt;/b&gt; einen Ordner mit den Ergebnissen jeder Szene unter deren Namen und ein Verzeichnis von allem (batch.sqlite). Eine Szene, die misslingt, wird im Protokoll mit ihrem Grund genannt und hält die anderen nicht auf. Mit denselben Ordnern noch einmal gestartet wird nur getan, was fehlt, sich geändert hat oder misslungen war.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Folder of images</source>
      <translation>Ordner der Bilder</translation>
    </message>
    <message>
      <source>Results</source>
      <translation>Ergebnisse</translation>
    </message>
    <message>
      <source>gpkg, fgb, parquet, geojson: polygons. tif: class raster.</source>
      <translation>gpkg, fgb, parquet, geojson: Polygone. tif: Klassenraster.</translation>
    </message>
    <message>
      <source>Images that touch are one</source>
      <translation>Bilder, die sich berühren, sind eines</translation>
    </message>
    <message>
      <source>The network looks across their borders, and polygons go across them.</source>
      <translation>Das Netz sieht über ihre Grenzen hinaus, und Polygone gehen über sie hinweg.</translation>
    </message>
    <message>
      <source>Stop at the first image that fails</source>
      <translation>Beim ersten Bild, das misslingt, anhalten</translation>
    </message>
    <message>
      <source>Folder of results</source>
      <translation>Ordner der Ergebnisse</translation>
    </message>
    <message>
      <source>Images done</source>
      <translation>Bilder fertig</translation>
    </message>
    <message>
      <source>Images that failed</source>
      <translation>Bilder misslungen</translation>
    </message>
    <message>
      <source>No result is asked for.</source>
      <translation>Es ist kein Ergebnis verlangt.</translation>
    </message>
    <message>
      <source>Choose at least one kind of result.</source>
      <translation>Mindestens eine Art von Ergebnis wählen.</translation>
    </message>
    <message>
      <source>{} images done, {} done before and unchanged, {} failed, {} not begun</source>
      <translation>{} Bilder fertig, {} früher fertig und unverändert, {} misslungen, {} nicht begonnen</translation>
    </message>
    <message>
      <source>Segment raster</source>
      <translation>Raster segmentieren</translation>
    </message>
    <message>
      <source>land cover,buildings,classify,deep learning,segmentation,polygons,neural network</source>
      <translation>Landbedeckung,Gebäude,klassifizieren,Deep Learning,Segmentierung,Polygone,neuronales Netz</translation>
    </message>
    <message>
      <source>Land cover or building polygons of aerial and satellite images of any size</source>
      <translation>Landbedeckung oder Gebäude als Polygone aus beliebig großen Luft- und Satellitenbildern</translation>
    </message>
    <message>
      <source>&lt;p&gt;Gives each pixel of an image a class (building, road, water, ...) and draws the classes' regions as polygons. The network looks at each place together with its surroundings.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Takes&lt;/b&gt; any raster layer: files of any size, VRTs, and online layers (WMS, XYZ), of which a copy of the extent is fetched first. Choose a model whose ground size is near to the layer's: the panel 'FCtL Geo' shows it.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gives&lt;/b&gt; a class raster with colours and names, and polygons with class and true area in m².&lt;/p&gt;&lt;p&gt;The work is done by another process: QGIS stays responsive, its memory does not grow with the layer, and 'Cancel' leaves no half file. A run into files of yours that was stopped can be gone on with by the advanced parameter 'Go on from a stopped run'.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Gibt jedem Pixel eines Bildes eine Klasse (Gebäude, Straße, Wasser, ...) und zeichnet die Flächen der Klassen als Polygone. Das Netz sieht jede Stelle zusammen mit ihrer Umgebung.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Nimmt&lt;/b&gt; jeden Rasterlayer: Dateien jeder Größe, VRTs und Online-Layer (WMS, XYZ), von denen zuerst eine Kopie des Ausschnitts geholt wird. Ein Modell wählen, dessen Bodenauflösung der des Layers nahe ist: Das Bedienfeld 'FCtL Geo' zeigt sie.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gibt&lt;/b&gt; ein Klassenraster mit Farben und Namen und Polygone mit Klasse und wahrer Fläche in m².&lt;/p&gt;&lt;p&gt;Die Arbeit tut ein anderer Prozess: QGIS bleibt bedienbar, sein Speicher wächst nicht mit dem Layer, und 'Abbrechen' lässt keine halbe Datei zurück. Ein angehaltener Lauf in eigene Dateien lässt sich mit dem erweiterten Parameter 'Angehaltenen Lauf fortsetzen' fortsetzen.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Extent</source>
      <translation>Ausdehnung</translation>
    </message>
    <message>
      <source>Only this part of the image; empty: all of it. Online layers need one.</source>
      <translation>Nur dieser Teil des Bildes; leer: alles. Online-Layer brauchen eine.</translation>
    </message>
    <message>
      <source>Go on from a stopped run</source>
      <translation>Angehaltenen Lauf fortsetzen</translation>
    </message>
    <message>
      <source>Finished parts of a stopped run with the same parameters and result files are not done again.</source>
      <translation>Fertige Teile eines angehaltenen Laufs mit denselben Parametern und Ergebnisdateien werden nicht noch einmal gerechnet.</translation>
    </message>
    <message>
      <source>Classes</source>
      <translation>Klassen</translation>
    </message>
    <message>
      <source>Confidence (%)</source>
      <translation>Konfidenz (%)</translation>
    </message>
    <message>
      <source>A second raster: how sure the network is of each pixel's class, in percent.</source>
      <translation>Ein zweites Raster: wie sicher das Netz der Klasse jedes Pixels ist, in Prozent.</translation>
    </message>
    <message>
      <source>Choose a class raster, polygons, or both.</source>
      <translation>Ein Klassenraster, Polygone oder beides wählen.</translation>
    </message>
    <message>
      <source>The model '{}' has no class '{}'.</source>
      <translation>Das Modell '{}' hat keine Klasse '{}'.</translation>
    </message>
    <message>
      <source>Its classes: {}.</source>
      <translation>Seine Klassen: {}.</translation>
    </message>
    <message>
      <source>'{}' is an online layer: it has no end.</source>
      <translation>'{}' ist ein Online-Layer: Er hat kein Ende.</translation>
    </message>
    <message>
      <source>Choose an extent or an area of interest.</source>
      <translation>Eine Ausdehnung oder ein Interessengebiet wählen.</translation>
    </message>
    <message>
      <source>The model '{}' takes any ground size, so an online layer needs one.</source>
      <translation>Das Modell '{}' nimmt jede Bodenauflösung, deshalb braucht ein Online-Layer eine.</translation>
    </message>
    <message>
      <source>Set 'Ground size of the layer's pixels' (advanced parameters).</source>
      <translation>'Bodenauflösung der Pixel des Layers' setzen (erweiterte Parameter).</translation>
    </message>
    <message>
      <source>The extent misses the layer '{}'.</source>
      <translation>Die Ausdehnung verfehlt den Layer '{}'.</translation>
    </message>
    <message>
      <source>It lies at {}, the layer at {}.</source>
      <translation>Sie liegt bei {}, der Layer bei {}.</translation>
    </message>
    <message>
      <source>{}: classes</source>
      <translation>{}: Klassen</translation>
    </message>
    <message>
      <source>{}: confidence</source>
      <translation>{}: Konfidenz</translation>
    </message>
    <message>
      <source>The layer '{}' has no CRS: areas are counted in pixels, and its ground size is not known. Set the layer's CRS (right click &gt; Layer CRS), or give its ground size (advanced parameters).</source>
      <translation>Der Layer '{}' hat kein KBS: Flächen werden in Pixeln gezählt, und seine Bodenauflösung ist unbekannt. Das KBS des Layers setzen (Rechtsklick &gt; Layer-KBS) oder seine Bodenauflösung angeben (erweiterte Parameter).</translation>
    </message>
    <message>
      <source>Train model</source>
      <translation>Modell trainieren</translation>
    </message>
    <message>
      <source>learn,samples,deep learning,fine-tune,labels,neural network</source>
      <translation>lernen,Beispiele,Deep Learning,anpassen,Beschriftungen,neuronales Netz</translation>
    </message>
    <message>
      <source>A model of your own from an image and labelled polygons</source>
      <translation>Ein eigenes Modell aus einem Bild und beschrifteten Polygonen</translation>
    </message>
    <message>
      <source>&lt;p&gt;Teaches a model your classes, from an image and polygons that you have drawn or checked. It begins with a model that knows imagery already, so that some hundred polygons are enough.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Takes&lt;/b&gt; a raster layer, a polygon layer and the field that names each polygon's class. What no polygon covers teaches nothing, unless you name the class that it has.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gives&lt;/b&gt; a model file (.safetensors) with a card beside it, and offers it in all lists of models. A part of the image is kept out of training to measure the quality, which the log tells.&lt;/p&gt;&lt;p&gt;Takes minutes on a graphics card, hours without. A run that was stopped can be gone on with: see the advanced parameters.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Lehrt ein Modell eigene Klassen, aus einem Bild und Polygonen, die gezeichnet oder geprüft sind. Es beginnt mit einem Modell, das Bilder schon kennt, so dass einige hundert Polygone genügen.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Nimmt&lt;/b&gt; einen Rasterlayer, einen Polygonlayer und das Feld, das die Klasse jedes Polygons nennt. Was kein Polygon bedeckt, lehrt nichts, außer die Klasse davon ist angegeben.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Gibt&lt;/b&gt; eine Modelldatei (.safetensors) mit einer Karte daneben und bietet sie in allen Modelllisten an. Ein Teil des Bildes bleibt vom Training ausgenommen, um die Güte zu messen, die das Protokoll nennt.&lt;/p&gt;&lt;p&gt;Dauert auf einer Grafikkarte Minuten, ohne Stunden. Ein angehaltener Lauf lässt sich fortsetzen: siehe die erweiterten Parameter.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Labelled polygons</source>
      <translation>Beschriftete Polygone</translation>
    </message>
    <message>
      <source>Names or numbers of the classes.</source>
      <translation>Namen oder Nummern der Klassen.</translation>
    </message>
    <message>
      <source>Model to begin with</source>
      <translation>Modell, mit dem begonnen wird</translation>
    </message>
    <message>
      <source>Training steps</source>
      <translation>Trainingsschritte</translation>
    </message>
    <message>
      <source>Empty: as the recipe says. Some hundred adapt a model, some thousand teach new classes.</source>
      <translation>Leer: wie das Rezept es sagt. Einige hundert passen ein Modell an, einige tausend lehren neue Klassen.</translation>
    </message>
    <message>
      <source>Samples a step</source>
      <translation>Beispiele je Schritt</translation>
    </message>
    <message>
      <source>Empty: as the recipe says; fewer need less memory.</source>
      <translation>Leer: wie im Rezept; weniger brauchen weniger Speicher.</translation>
    </message>
    <message>
      <source>Train the second network too</source>
      <translation>Auch das zweite Netz trainieren</translation>
    </message>
    <message>
      <source>It cleans what the first one makes; it takes about a third of the time.</source>
      <translation>Es bereinigt, was das erste macht; es braucht etwa ein Drittel der Zeit.</translation>
    </message>
    <message>
      <source>From the last checkpoint of a training with the same parameters and model file.</source>
      <translation>Vom letzten Zwischenstand eines Trainings mit denselben Parametern und derselben Modelldatei.</translation>
    </message>
    <message>
      <source>Model file</source>
      <translation>Modelldatei</translation>
    </message>
    <message>
      <source>Export the part you want to train on to a file first: right click &gt; Export &gt; Save As.</source>
      <translation>Den Teil, mit dem trainiert werden soll, zuerst in eine Datei exportieren: Rechtsklick &gt; Export &gt; Speichern als.</translation>
    </message>
    <message>
      <source>The layer's pixels are {:.3g} m, {:.1f} times coarser than the {:.3g} m that the model '{}' was trained at: expect poor results. Choose a finer layer or another model.</source>
      <translation>Die Pixel des Layers messen {:.3g} m, {:.1f}-mal gröber als die {:.3g} m, mit denen das Modell '{}' trainiert wurde: schlechte Ergebnisse sind zu erwarten. Einen feineren Layer oder ein anderes Modell wählen.</translation>
    </message>
    <message>
      <source>The layer's pixels are {:.3g} m, {:.0f} times finer than the {:.3g} m that the model '{}' was trained at: its details are averaged away. A model for finer imagery may see more.</source>
      <translation>Die Pixel des Layers messen {:.3g} m, {:.0f}-mal feiner als die {:.3g} m, mit denen das Modell '{}' trainiert wurde: Einzelheiten werden weggemittelt. Ein Modell für feinere Bilder sieht vielleicht mehr.</translation>
    </message>
    <message>
      <source>There is no model '{}'.</source>
      <translation>Es gibt kein Modell '{}'.</translation>
    </message>
    <message>
      <source>Shipped models: {}. Or choose a model file (.safetensors).</source>
      <translation>Mitgelieferte Modelle: {}. Oder eine Modelldatei (.safetensors) wählen.</translation>
    </message>
    <message>
      <source>The model file {} does not exist.</source>
      <translation>Die Modelldatei {} gibt es nicht.</translation>
    </message>
    <message>
      <source>Check the path, or choose a shipped model.</source>
      <translation>Den Pfad prüfen oder ein mitgeliefertes Modell wählen.</translation>
    </message>
    <message>
      <source>environment variable {}</source>
      <translation>Umgebungsvariable {}</translation>
    </message>
    <message>
      <source>settings</source>
      <translation>Einstellungen</translation>
    </message>
    <message>
      <source>set up by the plugin</source>
      <translation>vom Plugin eingerichtet</translation>
    </message>
    <message>
      <source>The engine's interpreter {} is not there ({}).</source>
      <translation>Der Interpreter {} der Maschine ist nicht da ({}).</translation>
    </message>
    <message>
      <source>Choose another one, or set up the engine: Settings &gt; Options &gt; FCtL Geo.</source>
      <translation>Einen anderen wählen oder die Maschine einrichten: Einstellungen &gt; Optionen &gt; FCtL Geo.</translation>
    </message>
    <message>
      <source>The engine is not set up: QGIS has no interpreter with fctl-geo yet.</source>
      <translation>Die Maschine ist nicht eingerichtet: QGIS hat noch keinen Interpreter mit fctl-geo.</translation>
    </message>
    <message>
      <source>Press 'Set up the engine' in Settings &gt; Options &gt; FCtL Geo, or name an interpreter there.</source>
      <translation>'Maschine einrichten' in Einstellungen &gt; Optionen &gt; FCtL Geo drücken oder dort einen Interpreter angeben.</translation>
    </message>
    <message>
      <source>{} cannot be started: {}.</source>
      <translation>{} lässt sich nicht starten: {}.</translation>
    </message>
    <message>
      <source>Choose another interpreter, or set up the engine: Settings &gt; Options &gt; FCtL Geo.</source>
      <translation>Einen anderen Interpreter wählen oder die Maschine einrichten: Einstellungen &gt; Optionen &gt; FCtL Geo.</translation>
    </message>
    <message>
      <source>The engine gave no answer within {:.0f} s.</source>
      <translation>Die Maschine hat innerhalb von {:.0f} s nicht geantwortet.</translation>
    </message>
    <message>
      <source>Stopped: no file under a final name was touched.</source>
      <translation>Angehalten: Keine Datei unter einem endgültigen Namen wurde angerührt.</translation>
    </message>
    <message>
      <source>Set up the engine again: Settings &gt; Options &gt; FCtL Geo.</source>
      <translation>Die Maschine neu einrichten: Einstellungen &gt; Optionen &gt; FCtL Geo.</translation>
    </message>
    <message>
      <source>The interpreter {} has no working fctl-geo: {}</source>
      <translation>Der Interpreter {} hat kein funktionierendes fctl-geo: {}</translation>
    </message>
    <message>
      <source>Choose an interpreter that has it, or set up the engine: Settings &gt; Options &gt; FCtL Geo.</source>
      <translation>Einen Interpreter wählen, der es hat, oder die Maschine einrichten: Einstellungen &gt; Optionen &gt; FCtL Geo.</translation>
    </message>
    <message>
      <source>The engine does not understand this plugin: {}</source>
      <translation>Die Maschine versteht dieses Plugin nicht: {}</translation>
    </message>
    <message>
      <source>The engine was killed, most likely because the memory was full. {}</source>
      <translation>Die Maschine wurde beendet, wahrscheinlich weil der Speicher voll war. {}</translation>
    </message>
    <message>
      <source>Close other programs, or set 'Most memory' (advanced parameters) to less than what is free.</source>
      <translation>Andere Programme schließen oder 'Höchster Speicher' (erweiterte Parameter) auf weniger setzen, als frei ist.</translation>
    </message>
    <message>
      <source>The engine ended with code {} and no reason. {}</source>
      <translation>Die Maschine endete mit Code {} ohne Grund. {}</translation>
    </message>
    <message>
      <source>The extent misses the online layer '{}'.</source>
      <translation>Die Ausdehnung verfehlt den Online-Layer '{}'.</translation>
    </message>
    <message>
      <source>Choose an extent where the layer has something to show.</source>
      <translation>Eine Ausdehnung wählen, in der der Layer etwas zeigt.</translation>
    </message>
    <message>
      <source>The online layer '{}' has no CRS, so no ground size can be asked for.</source>
      <translation>Der Online-Layer '{}' hat kein KBS, deshalb lässt sich keine Bodenauflösung verlangen.</translation>
    </message>
    <message>
      <source>Set its CRS: right click on the layer &gt; Layer CRS.</source>
      <translation>Sein KBS setzen: Rechtsklick auf den Layer &gt; Layer-KBS.</translation>
    </message>
    <message>
      <source>The extent has {:,.0f} million pixels of {:.3g} m: too much for an online layer.</source>
      <translation>Die Ausdehnung hat {:,.0f} Millionen Pixel von {:.3g} m: zu viel für einen Online-Layer.</translation>
    </message>
    <message>
      <source>Choose a smaller extent or a larger ground size.</source>
      <translation>Eine kleinere Ausdehnung oder eine gröbere Bodenauflösung wählen.</translation>
    </message>
    <message>
      <source>Fetching {} x {} pixels of the online layer '{}' in {} requests</source>
      <translation>Hole {} x {} Pixel des Online-Layers '{}' in {} Anfragen</translation>
    </message>
    <message>
      <source>{} cannot be written: {}</source>
      <translation>{} lässt sich nicht schreiben: {}</translation>
    </message>
    <message>
      <source>The copy of the online layer cannot be written to {}: is the disk full?</source>
      <translation>Die Kopie des Online-Layers lässt sich nicht nach {} schreiben: Ist die Platte voll?</translation>
    </message>
    <message>
      <source>Free some space there, or choose a smaller extent.</source>
      <translation>Dort Platz schaffen oder eine kleinere Ausdehnung wählen.</translation>
    </message>
    <message>
      <source>no picture came</source>
      <translation>kein Bild kam</translation>
    </message>
    <message>
      <source>Request at column {}, row {} failed: {}</source>
      <translation>Die Anfrage bei Spalte {}, Zeile {} misslang: {}</translation>
    </message>
    <message>
      <source>The server of '{}' failed {} times at the same place: {}</source>
      <translation>Der Server von '{}' versagte {}-mal an derselben Stelle: {}</translation>
    </message>
    <message>
      <source>Try again later, or export the layer to a file by hand: Layer &gt; Save As.</source>
      <translation>Später noch einmal versuchen oder den Layer von Hand in eine Datei exportieren: Layer &gt; Speichern als.</translation>
    </message>
    <message>
      <source>FCtL Geo</source>
      <translation>FCtL Geo</translation>
    </message>
    <message>
      <source>Set up the engine...</source>
      <translation>Maschine einrichten...</translation>
    </message>
    <message>
      <source>Run</source>
      <translation>Starten</translation>
    </message>
    <message>
      <source>Preview</source>
      <translation>Vorschau</translation>
    </message>
    <message>
      <source>Segment just the visible part of the map, in seconds</source>
      <translation>Nur den sichtbaren Teil der Karte segmentieren, in Sekunden</translation>
    </message>
    <message>
      <source>Cancel</source>
      <translation>Abbrechen</translation>
    </message>
    <message>
      <source>All parameters...</source>
      <translation>Alle Parameter...</translation>
    </message>
    <message>
      <source>Options...</source>
      <translation>Optionen...</translation>
    </message>
    <message>
      <source>Looking at the engine...</source>
      <translation>Sehe nach der Maschine...</translation>
    </message>
    <message>
      <source>Stopping: the engine ends its step...</source>
      <translation>Wird abgebrochen: Die Maschine beendet ihren Schritt ...</translation>
    </message>
    <message>
      <source>Starting the engine...</source>
      <translation>Starte die Maschine...</translation>
    </message>
    <message>
      <source>Done: {}</source>
      <translation>Fertig: {}</translation>
    </message>
    <message>
      <source>Looking at the engine</source>
      <translation>Nachsehen nach der Maschine</translation>
    </message>
    <message>
      <source>CPU, {} cores</source>
      <translation>CPU, {} Kerne</translation>
    </message>
    <message>
      <source>any ground size</source>
      <translation>jede Bodenauflösung</translation>
    </message>
    <message>
      <source>made for pixels of {:.3g} m</source>
      <translation>gemacht für Pixel von {:.3g} m</translation>
    </message>
    <message>
      <source>bands: {}</source>
      <translation>Kanäle: {}</translation>
    </message>
    <message>
      <source>IoU where it was measured: {}</source>
      <translation>IoU, wo sie gemessen wurde: {}</translation>
    </message>
    <message>
      <source>Licence: {}</source>
      <translation>Lizenz: {}</translation>
    </message>
    <message>
      <source>Choose a model file of your own</source>
      <translation>Eine eigene Modelldatei wählen</translation>
    </message>
    <message>
      <source>empty: the one that was set up here</source>
      <translation>leer: die hier eingerichtete</translation>
    </message>
    <message>
      <source>Check</source>
      <translation>Prüfen</translation>
    </message>
    <message>
      <source>all cores</source>
      <translation>alle Kerne</translation>
    </message>
    <message>
      <source>what the run needs</source>
      <translation>was der Lauf braucht</translation>
    </message>
    <message>
      <source>Engine</source>
      <translation>Maschine</translation>
    </message>
    <message>
      <source>The networks run in an interpreter of their own, in another process: it cannot slow or break QGIS.</source>
      <translation>Die Netze laufen in einem eigenen Interpreter, in einem anderen Prozess: Er kann QGIS weder bremsen noch stören.</translation>
    </message>
    <message>
      <source>Interpreter with fctl-geo</source>
      <translation>Interpreter mit fctl-geo</translation>
    </message>
    <message>
      <source>New runs</source>
      <translation>Neue Läufe</translation>
    </message>
    <message>
      <source>Most memory</source>
      <translation>Höchster Speicher</translation>
    </message>
    <message>
      <source>Looking...</source>
      <translation>Sehe nach...</translation>
    </message>
    <message>
      <source>All is well: {}</source>
      <translation>Alles in Ordnung: {}</translation>
    </message>
    <message>
      <source>Zoom in: a preview takes up to {0:,.0f} x {0:,.0f} m with this model, {1:,.0f} x {2:,.0f} m are visible.</source>
      <translation>Näher heran: Eine Vorschau nimmt mit diesem Modell bis zu {0:,.0f} x {0:,.0f} m, sichtbar sind {1:,.0f} x {2:,.0f} m.</translation>
    </message>
    <message>
      <source>Preview: {}</source>
      <translation>Vorschau: {}</translation>
    </message>
    <message>
      <source>Smallest region</source>
      <translation>Kleinste Fläche</translation>
    </message>
    <message>
      <source>Straighten within</source>
      <translation>Begradigen innerhalb</translation>
    </message>
    <message>
      <source>Folder</source>
      <translation>Ordner</translation>
    </message>
    <message>
      <source>Whole layer</source>
      <translation>Ganzer Layer</translation>
    </message>
    <message>
      <source>Visible part of the map</source>
      <translation>Sichtbarer Teil der Karte</translation>
    </message>
    <message>
      <source>Inside polygons of</source>
      <translation>In Polygonen von</translation>
    </message>
    <message>
      <source>Selected features only</source>
      <translation>Nur gewählte Objekte</translation>
    </message>
    <message>
      <source>Smaller regions go to the neighbour with which they share the longest border.</source>
      <translation>Kleinere Flächen gehen an den Nachbarn, mit dem sie die längste Grenze teilen.</translation>
    </message>
    <message>
      <source>Borders may move this far to become straight. One to two pixels look good.</source>
      <translation>So weit dürfen Grenzen sich bewegen, um gerade zu werden. Ein bis zwei Pixel sehen gut aus.</translation>
    </message>
    <message>
      <source>Buildings that touch share their walls. Others keep their simplified outline.</source>
      <translation>Gebäude, die sich berühren, haben gemeinsame Wände. Andere behalten ihren vereinfachten Umriss.</translation>
    </message>
    <message>
      <source>temporary</source>
      <translation>temporär</translation>
    </message>
    <message>
      <source>The layer has no CRS: areas are counted in pixels. Set it by a right click &gt; Layer CRS.</source>
      <translation>Der Layer hat kein KBS: Flächen werden in Pixeln gezählt. Es lässt sich mit Rechtsklick &gt; Layer-KBS setzen.</translation>
    </message>
    <message>
      <source>Choose an image first: add a raster layer to the project.</source>
      <translation>Zuerst ein Bild wählen: dem Projekt einen Rasterlayer hinzufügen.</translation>
    </message>
    <message>
      <source>There is no polygon layer to stay inside: add one to the project, or choose another extent.</source>
      <translation>Es gibt keinen Polygonlayer, der die Fläche begrenzt: einen hinzufügen oder eine andere Ausdehnung wählen.</translation>
    </message>
    <message>
      <source>no CRS</source>
      <translation>kein KBS</translation>
    </message>
    <message>
      <source>online layer, {}: a copy of the extent is fetched</source>
      <translation>Online-Layer, {}: Eine Kopie des Ausschnitts wird geholt</translation>
    </message>
    <message>
      <source>{} pixels, {}</source>
      <translation>{} Pixel, {}</translation>
    </message>
    <message>
      <source>{} pixels of {:.3g} m, {}</source>
      <translation>{} Pixel von {:.3g} m, {}</translation>
    </message>
    <message>
      <source>The parameters do not fit.</source>
      <translation>Die Parameter passen nicht.</translation>
    </message>
    <message>
      <source>{} cannot be loaded.</source>
      <translation>{} lässt sich nicht laden.</translation>
    </message>
    <message>
      <source>Last runs</source>
      <translation>Letzte Läufe</translation>
    </message>
    <message>
      <source>When</source>
      <translation>Wann</translation>
    </message>
    <message>
      <source>Input</source>
      <translation>Eingabe</translation>
    </message>
    <message>
      <source>Result</source>
      <translation>Ergebnis</translation>
    </message>
    <message>
      <source>Double click loads the results again</source>
      <translation>Ein Doppelklick lädt die Ergebnisse noch einmal</translation>
    </message>
    <message>
      <source>stopped</source>
      <translation>angehalten</translation>
    </message>
    <message>
      <source>failed</source>
      <translation>misslungen</translation>
    </message>
    <message>
      <source>{} is not there any more.</source>
      <translation>{} ist nicht mehr da.</translation>
    </message>
    <message>
      <source>Setting up the engine of FCtL Geo</source>
      <translation>Richte die Maschine von FCtL Geo ein</translation>
    </message>
    <message>
      <source>Set up the engine of FCtL Geo</source>
      <translation>Maschine von FCtL Geo einrichten</translation>
    </message>
    <message>
      <source>The engine is put into a virtual environment of its own in your QGIS profile; QGIS's own Python stays as it is. It needs Python 3.11 or newer, about 2 GB of disk (with CUDA 8 GB), and some minutes.</source>
      <translation>Die Maschine kommt in eine eigene virtuelle Umgebung in Ihrem QGIS-Profil; QGIS' eigenes Python bleibt, wie es ist. Sie braucht Python 3.11 oder neuer, etwa 2 GB Platz (mit CUDA 8 GB) und einige Minuten.</translation>
    </message>
    <message>
      <source>CPU: works everywhere</source>
      <translation>CPU: geht überall</translation>
    </message>
    <message>
      <source>NVIDIA graphics card (CUDA)</source>
      <translation>NVIDIA-Grafikkarte (CUDA)</translation>
    </message>
    <message>
      <source>found by itself</source>
      <translation>wird selbst gefunden</translation>
    </message>
    <message>
      <source>empty: from the internet, by QGIS's proxy</source>
      <translation>leer: aus dem Internet, über den Proxy von QGIS</translation>
    </message>
    <message>
      <source>Set up</source>
      <translation>Einrichten</translation>
    </message>
    <message>
      <source>Runs on</source>
      <translation>Läuft auf</translation>
    </message>
    <message>
      <source>Folder of wheels (offline)</source>
      <translation>Ordner mit Wheels (offline)</translation>
    </message>
    <message>
      <source>Python to build on</source>
      <translation>Python, auf dem gebaut wird</translation>
    </message>
    <message>
      <source>Stopping...</source>
      <translation>Halte an...</translation>
    </message>
    <message>
      <source>Building on {}</source>
      <translation>Baue auf {}</translation>
    </message>
    <message>
      <source>Stop</source>
      <translation>Anhalten</translation>
    </message>
    <message>
      <source>Setting up...</source>
      <translation>Richte ein...</translation>
    </message>
    <message>
      <source>Try again</source>
      <translation>Noch einmal</translation>
    </message>
    <message>
      <source>Set up again</source>
      <translation>Neu einrichten</translation>
    </message>
    <message>
      <source>The engine is ready.</source>
      <translation>Die Maschine ist bereit.</translation>
    </message>
    <message>
      <source>off</source>
      <translation>aus</translation>
    </message>
    <message>
      <source>Making the virtual environment</source>
      <translation>Virtuelle Umgebung anlegen</translation>
    </message>
    <message>
      <source>Installing from the folder</source>
      <translation>Aus dem Ordner installieren</translation>
    </message>
    <message>
      <source>Fetching torch, the largest part</source>
      <translation>torch holen, den größten Teil</translation>
    </message>
    <message>
      <source>Fetching the other parts</source>
      <translation>Die anderen Teile holen</translation>
    </message>
    <message>
      <source>The folder of wheels decides: the engine runs on what the torch in it was built for.</source>
      <translation>Der Ordner mit Wheels entscheidet: Die Maschine läuft auf dem, wofür das torch darin gebaut ist.</translation>
    </message>
    <message>
      <source>No NVIDIA driver was found here (nvidia-smi does not run): torch for CUDA is several GB larger and falls back to the CPU. Install the card's driver first, or choose CPU.</source>
      <translation>Hier wurde kein NVIDIA-Treiber gefunden (nvidia-smi läuft nicht): torch für CUDA ist mehrere GB größer und rechnet dann doch auf der CPU. Zuerst den Treiber der Karte installieren, oder CPU wählen.</translation>
    </message>
    <message>
      <source>This machine has an NVIDIA graphics card: with CUDA runs are many times faster.</source>
      <translation>Dieser Rechner hat eine NVIDIA-Grafikkarte: Mit CUDA gehen Läufe um ein Vielfaches schneller.</translation>
    </message>
    <message>
      <source>No Python 3.11 or newer that can make virtual environments was found. {}</source>
      <translation>Kein Python ab 3.11 gefunden, das virtuelle Umgebungen anlegen kann. {}</translation>
    </message>
    <message>
      <source>Install Python from python.org (on Debian and Ubuntu: apt install python3-venv), then try again.</source>
      <translation>Python von python.org installieren (auf Debian und Ubuntu: apt install python3-venv), dann noch einmal versuchen.</translation>
    </message>
    <message>
      <source>does not run</source>
      <translation>läuft nicht</translation>
    </message>
    <message>
      <source>is Python {}</source>
      <translation>ist Python {}</translation>
    </message>
    <message>
      <source>The network failed; trying again ({} of {})</source>
      <translation>Das Netzwerk versagte; noch ein Versuch ({} von {})</translation>
    </message>
    <message>
      <source>Stopped: the engine was not set up.</source>
      <translation>Angehalten: Die Maschine wurde nicht eingerichtet.</translation>
    </message>
    <message>
      <source>The disk is full: the engine needs about 2 GB (with CUDA 8 GB). {}</source>
      <translation>Die Platte ist voll: Die Maschine braucht etwa 2 GB (mit CUDA 8 GB). {}</translation>
    </message>
    <message>
      <source>Free some space where QGIS keeps your profile, then try again.</source>
      <translation>Platz schaffen, wo QGIS Ihr Profil aufbewahrt, dann noch einmal versuchen.</translation>
    </message>
    <message>
      <source>The folder {} lacks something. {}</source>
      <translation>Dem Ordner {} fehlt etwas. {}</translation>
    </message>
    <message>
      <source>On a machine with internet, with the same system ({}) and Python: pip download -d FOLDER --extra-index-url {} {}</source>
      <translation>Auf einem Rechner mit Internet, gleichem System ({}) und gleichem Python: pip download -d ORDNER --extra-index-url {} {}</translation>
    </message>
    <message>
      <source>The network cannot be reached. {}</source>
      <translation>Das Netzwerk ist nicht zu erreichen. {}</translation>
    </message>
    <message>
      <source>Check the proxy in Settings &gt; Options &gt; Network, or install from a folder of wheels.</source>
      <translation>Den Proxy in Einstellungen &gt; Optionen &gt; Netzwerk prüfen oder aus einem Ordner mit Wheels installieren.</translation>
    </message>
    <message>
      <source>The engine could not be installed. {}</source>
      <translation>Die Maschine ließ sich nicht installieren. {}</translation>
    </message>
    <message>
      <source>The log has all that pip said.</source>
      <translation>Das Protokoll enthält alles, was pip gesagt hat.</translation>
    </message>
    <message>
      <source>Looking whether all works</source>
      <translation>Nachsehen, ob alles geht</translation>
    </message>
    <message>
      <source>Land cover and building polygons of the map's images</source>
      <translation>Landbedeckung und Gebäude aus den Bildern der Karte als Polygone</translation>
    </message>
    <message>
      <source>FCtL Geo: land cover and building polygons</source>
      <translation>FCtL Geo: Landbedeckung und Gebäude als Polygone</translation>
    </message>
    <message>
      <source>, {:,} polygons</source>
      <translation>, {:,} Polygone</translation>
    </message>
    <message>
      <source>no data: {:.1f} %</source>
      <translation>kein Wert: {:.1f} %</translation>
    </message>
    <message>
      <source> on {}</source>
      <translation> auf {}</translation>
    </message>
    <message>
      <source>accuracy</source>
      <translation>Genauigkeit</translation>
    </message>
    <message>
      <source>{:,.0f} pixels</source>
      <translation>{:,.0f} Pixel</translation>
    </message>
    <message>
      <source>The layer '{}' is not valid.</source>
      <translation>Der Layer '{}' ist nicht gültig.</translation>
    </message>
    <message>
      <source>Is its file, or its server, still there?</source>
      <translation>Ist seine Datei oder sein Server noch da?</translation>
    </message>
    <message>
      <source>The layer '{}' cannot be given its CRS {}.</source>
      <translation>Der Layer '{}' lässt sich nicht mit seinem KBS {} versehen.</translation>
    </message>
    <message>
      <source>Assign the CRS to the file itself: Raster &gt; Projections &gt; Assign Projection.</source>
      <translation>Das KBS der Datei selbst zuweisen: Raster &gt; Projektionen &gt; Projektion zuweisen.</translation>
    </message>
    <message>
      <source>{} cannot be written: {}.</source>
      <translation>{} lässt sich nicht schreiben: {}.</translation>
    </message>
    <message>
      <source>{} has no polygons.</source>
      <translation>{} hat keine Polygone.</translation>
    </message>
    <message>
      <source>Choose a polygon layer with features; with 'Selected features only', select some.</source>
      <translation>Einen Polygonlayer mit Objekten wählen; bei 'Nur gewählte Objekte' einige wählen.</translation>
    </message>
  </context>
</TS>
