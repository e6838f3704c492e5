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
      <source>The output {} has the extension '{}'; supported extensions: {}.</source>
      <translation>Die Ausgabe {} hat die Endung '{}'; unterstützt werden {}.</translation>
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
      <translation>Kleine Flächen zusammenfassen</translation>
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
      <translation>Polygone erzeugen</translation>
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
      <source>Creating training data for the refinement network</source>
      <translation>Trainingsdaten für das Verfeinerungsnetz erzeugen</translation>
    </message>
    <message>
      <source>Training the refinement network</source>
      <translation>Verfeinerungsnetz trainieren</translation>
    </message>
    <message>
      <source>Evaluating</source>
      <translation>Auswerten</translation>
    </message>
    <message>
      <source>The output {} would overwrite the input.</source>
      <translation>Die Ausgabe {} würde die Eingabe überschreiben.</translation>
    </message>
    <message>
      <source>Choose another file name.</source>
      <translation>Wählen Sie einen anderen Dateinamen.</translation>
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
      <source>Measures the accuracy of a model against your own ground truth</source>
      <translation>Misst die Genauigkeit eines Modells an eigenen Referenzdaten</translation>
    </message>
    <message>
      <source>&lt;p&gt;Segments an image and compares the result with ground truth: intersection over union (IoU), precision, and recall of each class, and which classes are confused with each other.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Input&lt;/b&gt;: a raster layer, and the ground truth: polygons with a class field, or a class raster.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Output&lt;/b&gt;: a report to read (HTML), and optionally one for programs (JSON).&lt;/p&gt;</source>
      <translation>&lt;p&gt;Segmentiert ein Bild und vergleicht das Ergebnis mit Referenzdaten: Intersection over Union (IoU), Precision und Recall jeder Klasse, und welche Klassen miteinander verwechselt werden.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Eingabe&lt;/b&gt;: ein Rasterlayer und die Referenz: Polygone mit einem Klassenfeld oder ein Klassenraster.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Ausgabe&lt;/b&gt;: ein Bericht zum Lesen (HTML) und optional einer für Programme (JSON).&lt;/p&gt;</translation>
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
      <source>Ground truth polygons</source>
      <translation>Referenzpolygone</translation>
    </message>
    <message>
      <source>Select either polygons or a class raster as ground truth.</source>
      <translation>Als Referenz entweder Polygone oder ein Klassenraster wählen.</translation>
    </message>
    <message>
      <source>Class field</source>
      <translation>Klassenfeld</translation>
    </message>
    <message>
      <source>Ground truth raster</source>
      <translation>Referenzraster</translation>
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
      <source>Mean IoU</source>
      <translation>Mittlere IoU</translation>
    </message>
    <message>
      <source>Summary (JSON)</source>
      <translation>Zusammenfassung (JSON)</translation>
    </message>
    <message>
      <source>Ground truth is missing, or both polygons and a raster are selected.</source>
      <translation>Die Referenz fehlt, oder es sind sowohl Polygone als auch ein Raster gewählt.</translation>
    </message>
    <message>
      <source>Select either ground truth polygons or a ground truth raster.</source>
      <translation>Wählen Sie entweder Referenzpolygone oder ein Referenzraster.</translation>
    </message>
    <message>
      <source>No class field is selected.</source>
      <translation>Es ist kein Klassenfeld gewählt.</translation>
    </message>
    <message>
      <source>Select the field that contains the classes.</source>
      <translation>Wählen Sie das Feld, das die Klassen enthält.</translation>
    </message>
    <message>
      <source>'{}' is an online layer.</source>
      <translation>'{}' ist ein Online-Layer.</translation>
    </message>
    <message>
      <source>First export the part that you want to evaluate to a file: right-click &gt; Export &gt; Save As.</source>
      <translation>Exportieren Sie den Teil, der bewertet werden soll, zuerst in eine Datei: Rechtsklick &gt; Export &gt; Speichern als.</translation>
    </message>
    <message>
      <source>The label layer</source>
      <translation>Der Layer mit den Trainingsflächen</translation>
    </message>
    <message>
      <source>A model that comes with the engine, or one that you trained. The FCtL Geo panel shows the classes of each model and the pixel size that it was trained at.</source>
      <translation>Ein mitgeliefertes oder selbst trainiertes Modell. Das Bedienfeld 'FCtL Geo' zeigt die Klassen jedes Modells und die Pixelgröße, mit der es trainiert wurde.</translation>
    </message>
    <message>
      <source>Custom model file</source>
      <translation>Eigene Modelldatei</translation>
    </message>
    <message>
      <source>Model files</source>
      <translation>Modelldateien</translation>
    </message>
    <message>
      <source>A model file (.safetensors or .onnx) of your own. It takes precedence over the model above.</source>
      <translation>Eine eigene Modelldatei (.safetensors oder .onnx). Sie hat Vorrang vor dem Modell oben.</translation>
    </message>
    <message>
      <source>Minimum region area (m²)</source>
      <translation>Mindestfläche (m²)</translation>
    </message>
    <message>
      <source>Smaller regions are merged into the neighbor with which they share the longest border. 0 keeps all regions; if it is empty, the model decides. In pixels if the layer has no CRS.</source>
      <translation>Kleinere Flächen werden mit dem Nachbarn zusammengefasst, mit dem sie die längste Grenze teilen. 0 behält alle Flächen; ist das Feld leer, entscheidet das Modell. In Pixeln, wenn der Layer kein KBS hat.</translation>
    </message>
    <message>
      <source>Simplification tolerance (m)</source>
      <translation>Toleranz der Vereinfachung (m)</translation>
    </message>
    <message>
      <source>Borders may move this far when they are straightened. Neighbors still share their borders, without gaps or overlaps. 0 keeps the pixel edges; one to two pixels are a good value.</source>
      <translation>So weit dürfen sich Grenzen beim Begradigen verschieben. Nachbarn teilen ihre Grenzen weiterhin, ohne Lücken und Überlappungen. 0 behält die Pixelkanten; ein bis zwei Pixel sind ein guter Wert.</translation>
    </message>
    <message>
      <source>Right angles for buildings</source>
      <translation>Rechte Winkel für Gebäude</translation>
    </message>
    <message>
      <source>Outlines of objects, such as buildings, get right angles and share their walls where objects touch. 45: also half angles. any: long walls keep their direction. No effect if the model or raster has no classes of objects.</source>
      <translation>Umrisse von Objekten, etwa Gebäuden, bekommen rechte Winkel und teilen sich ihre Wände, wo Objekte aneinanderstoßen. 45: auch halbe Winkel. any: Lange Wände behalten ihre Richtung. Ohne Wirkung, wenn Modell oder Raster keine Klassen von Objekten hat.</translation>
    </message>
    <message>
      <source>Classes to polygonize</source>
      <translation>Zu polygonisierende Klassen</translation>
    </message>
    <message>
      <source>Comma-separated class names, for example 'building,water'. Empty: all classes except the background.</source>
      <translation>Klassennamen, durch Kommas getrennt, zum Beispiel 'building,water'. Leer: alle Klassen außer dem Hintergrund.</translation>
    </message>
    <message>
      <source>Separate objects connected by less than (m)</source>
      <translation>Objekte trennen, die schmaler verbunden sind als (m)</translation>
    </message>
    <message>
      <source>Houses that are connected by less than this width get separate polygons.</source>
      <translation>Häuser, die auf weniger als dieser Breite verbunden sind, bekommen getrennte Polygone.</translation>
    </message>
    <message>
      <source>Separate touching objects</source>
      <translation>Aneinanderstoßende Objekte trennen</translation>
    </message>
    <message>
      <source>A polygon for each house, even where houses touch: they share the wall. The class raster does not change.</source>
      <translation>Ein Polygon je Haus, auch wo Häuser aneinanderstoßen: Sie teilen sich die Wand. Das Klassenraster ändert sich nicht.</translation>
    </message>
    <message>
      <source>Separate touching objects of these classes</source>
      <translation>Aneinanderstoßende Objekte dieser Klassen trennen</translation>
    </message>
    <message>
      <source>A polygon for each object of these classes, even where objects touch, for example 'building'. Empty: the classes that the raster marks as objects; 'none': no class.</source>
      <translation>Ein Polygon für jedes Objekt dieser Klassen, auch wo Objekte aneinanderstoßen, zum Beispiel 'building'. Leer: die Klassen, die das Raster als Objekte kennzeichnet; 'none': keine Klasse.</translation>
    </message>
    <message>
      <source>Layer name in the GeoPackage</source>
      <translation>Layername im GeoPackage</translation>
    </message>
    <message>
      <source>Empty: the name of the file. Other layers and tables of an existing GeoPackage are kept.</source>
      <translation>Leer: der Name der Datei. Andere Layer und Tabellen eines vorhandenen GeoPackages bleiben erhalten.</translation>
    </message>
    <message>
      <source>Add to an existing layer</source>
      <translation>Zu vorhandenem Layer hinzufügen</translation>
    </message>
    <message>
      <source>Adds the polygons to the layer of a GeoPackage, which must have been created with this option. Polygons that the same image has put there are replaced. Unchecked: an existing layer of that name is replaced.</source>
      <translation>Fügt die Polygone dem Layer eines GeoPackages hinzu, der mit dieser Option angelegt worden sein muss. Polygone, die aus demselben Bild stammen, werden ersetzt. Ohne Häkchen wird ein vorhandener Layer dieses Namens ersetzt.</translation>
    </message>
    <message>
      <source>Bands, in the order of the model</source>
      <translation>Kanäle in der Reihenfolge des Modells</translation>
    </message>
    <message>
      <source>Numbers (4,3,2) or names (nir,red,green). Empty: selected by their color interpretation.</source>
      <translation>Nummern (4,3,2) oder Namen (nir,red,green). Leer: nach ihrer Farbinterpretation gewählt.</translation>
    </message>
    <message>
      <source>Pixel size on the ground (m)</source>
      <translation>Pixelgröße am Boden (m)</translation>
    </message>
    <message>
      <source>Only needed if the georeferencing of the layer is missing or wrong. For online layers, the pixel size to download; empty: that of the model.</source>
      <translation>Nur nötig, wenn die Georeferenzierung des Layers fehlt oder falsch ist. Bei Online-Layern die Pixelgröße, die heruntergeladen wird; leer: die des Modells.</translation>
    </message>
    <message>
      <source>Output grid</source>
      <translation>Raster der Ausgabe</translation>
    </message>
    <message>
      <source>'scene': the pixels of the layer. 'model': pixels of the size that the model was trained at.</source>
      <translation>'scene': die Pixel des Layers. 'model': Pixel in der Größe, mit der das Modell trainiert wurde.</translation>
    </message>
    <message>
      <source>Nodata pixels</source>
      <translation>Pixel ohne Daten (NoData)</translation>
    </message>
    <message>
      <source>'auto': as declared by the file. 'none': all pixels are valid. 'alpha': only by the alpha band. 'nodata=-9999': pixels with this value in all bands.</source>
      <translation>'auto': wie in der Datei angegeben. 'none': alle Pixel sind gültig. 'alpha': nur nach dem Alphakanal. 'nodata=-9999': Pixel mit diesem Wert in allen Kanälen.</translation>
    </message>
    <message>
      <source>Trust files that the image refers to</source>
      <translation>Dateien vertrauen, auf die das Bild verweist</translation>
    </message>
    <message>
      <source>A VRT can refer to files or servers outside its folder. QGIS has already read them to display the layer. Uncheck this for images from untrusted sources.</source>
      <translation>Ein VRT kann auf Dateien oder Server außerhalb seines Ordners verweisen. QGIS hat sie zur Anzeige des Layers bereits gelesen. Bei Bildern aus nicht vertrauenswürdigen Quellen abwählen.</translation>
    </message>
    <message>
      <source>Merging of overlapping patches</source>
      <translation>Zusammenführen überlappender Bildausschnitte</translation>
    </message>
    <message>
      <source>'blend': weighted, without seams. 'average': the mean. 'montage': the inner parts side by side.</source>
      <translation>'blend': gewichtet, ohne Nähte. 'average': Mittelwert. 'montage': die inneren Teile nebeneinander.</translation>
    </message>
    <message>
      <source>Test-time augmentation</source>
      <translation>Test-Time-Augmentation</translation>
    </message>
    <message>
      <source>'flips' also predicts the mirrored image (4 times slower), 'd4' the rotated one, too (8 times slower). Both improve the result a little.</source>
      <translation>'flips' wertet auch das gespiegelte Bild aus (4-mal langsamer), 'd4' zusätzlich das gedrehte (8-mal langsamer). Beides verbessert das Ergebnis etwas.</translation>
    </message>
    <message>
      <source>Apply the refinement network</source>
      <translation>Verfeinerungsnetz anwenden</translation>
    </message>
    <message>
      <source>Cleans up borders and small errors, based on their surroundings.</source>
      <translation>Bereinigt Grenzen und kleine Fehler anhand ihrer Umgebung.</translation>
    </message>
    <message>
      <source>Backend</source>
      <translation>Rechenbibliothek</translation>
    </message>
    <message>
      <source>Library that computes. 'auto': torch on a GPU, otherwise ONNX Runtime if the engine has it.</source>
      <translation>Bibliothek, die rechnet. 'auto': torch auf einer GPU, sonst ONNX Runtime, falls die Engine sie hat.</translation>
    </message>
    <message>
      <source>Precision</source>
      <translation>Rechengenauigkeit</translation>
    </message>
    <message>
      <source>'auto': fp32 on CPUs, bf16 on GPUs that support it.</source>
      <translation>'auto': fp32 auf CPUs, bf16 auf GPUs, die es unterstützen.</translation>
    </message>
    <message>
      <source>Batch size</source>
      <translation>Batch-Größe</translation>
    </message>
    <message>
      <source>Number of patches processed at once on a GPU. Empty: as many as fit into its memory.</source>
      <translation>Anzahl der Bildausschnitte, die auf einer GPU gleichzeitig verarbeitet werden. Leer: so viele, wie in ihren Speicher passen.</translation>
    </message>
    <message>
      <source>CPU threads</source>
      <translation>CPU-Threads</translation>
    </message>
    <message>
      <source>Empty: as set in the options, or all cores.</source>
      <translation>Leer: wie in den Optionen eingestellt, sonst alle Kerne.</translation>
    </message>
    <message>
      <source>Memory limit (MB)</source>
      <translation>Speicherlimit (MB)</translation>
    </message>
    <message>
      <source>Empty: as much as the run needs.</source>
      <translation>Leer: so viel, wie der Lauf braucht.</translation>
    </message>
    <message>
      <source>Class outside the polygons</source>
      <translation>Klasse außerhalb der Polygone</translation>
    </message>
    <message>
      <source>For example 'background' or 'land', if the whole area is labeled. Empty: unknown, and ignored.</source>
      <translation>Zum Beispiel 'background' oder 'land', wenn alle Objekte des Gebiets erfasst sind. Leer: unbekannt, wird ignoriert.</translation>
    </message>
    <message>
      <source>Labeled area</source>
      <translation>Erfasstes Gebiet</translation>
    </message>
    <message>
      <source>Everything outside is ignored. Empty: the whole image.</source>
      <translation>Alles außerhalb wird ignoriert. Leer: das ganze Bild.</translation>
    </message>
    <message>
      <source>Area of interest</source>
      <translation>Interessengebiet</translation>
    </message>
    <message>
      <source>Polygons in any CRS. Everything outside becomes nodata.</source>
      <translation>Polygone in beliebigem KBS. Alles außerhalb wird NoData.</translation>
    </message>
    <message>
      <source>'auto': the GPU if there is one, else the CPU. Or: cpu, cuda, cuda:1.</source>
      <translation>'auto': die GPU, falls vorhanden, sonst die CPU. Oder: cpu, cuda, cuda:1.</translation>
    </message>
    <message>
      <source>Device</source>
      <translation>Gerät</translation>
    </message>
    <message>
      <source>Polygonize class raster</source>
      <translation>Klassenraster polygonisieren</translation>
    </message>
    <message>
      <source>vectorize,raster to vector,polygonise,classes,simplify</source>
      <translation>vektorisieren,Raster zu Vektor,polygonisieren,Klassen,vereinfachen</translation>
    </message>
    <message>
      <source>Converts a class raster of any size to polygons with shared borders</source>
      <translation>Wandelt ein beliebig großes Klassenraster in Polygone mit gemeinsamen Grenzen um</translation>
    </message>
    <message>
      <source>&lt;p&gt;Converts the regions of a class raster to polygons. The raster is streamed, so that little memory is needed for any size. Polygons are not cut at tile borders, and neighbors share their borders even after simplification.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Input&lt;/b&gt;: a raster layer with one band of class numbers from 0 to 254; names and colors are taken from its palette and attribute table.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Output&lt;/b&gt;: polygons with class number, class name, true area in m², and, if a confidence raster is given, mean confidence.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Wandelt die Flächen eines Klassenrasters in Polygone um. Das Raster wird streifenweise gelesen und braucht deshalb bei jeder Größe wenig Speicher. Polygone werden nicht an Kachelgrenzen zerschnitten, und Nachbarn teilen ihre Grenzen auch nach der Vereinfachung.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Eingabe&lt;/b&gt;: ein Rasterlayer mit einem Kanal von Klassennummern von 0 bis 254; Namen und Farben stammen aus seiner Palette und Attributtabelle.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Ausgabe&lt;/b&gt;: Polygone mit Klassennummer, Klassenname, wahrer Fläche in m² und, falls ein Konfidenzraster angegeben ist, mittlerer Konfidenz.&lt;/p&gt;</translation>
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
      <source>Percentages on the same grid. Each polygon gets their mean.</source>
      <translation>Prozentwerte auf demselben Gitter. Jedes Polygon erhält ihren Mittelwert.</translation>
    </message>
    <message>
      <source>Only needed if the raster is not georeferenced.</source>
      <translation>Nur nötig, wenn das Raster nicht georeferenziert ist.</translation>
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
      <source>Cleans up borders and small errors of any class raster</source>
      <translation>Bereinigt Grenzen und kleine Fehler eines beliebigen Klassenrasters</translation>
    </message>
    <message>
      <source>&lt;p&gt;Applies only the refinement network of a model. It reads classes instead of images, and assigns each pixel the class that fits its surroundings. Seams and small errors disappear, and borders follow their neighborhood.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Input&lt;/b&gt;: a raster layer with one band of class numbers, from any source.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Output&lt;/b&gt;: a class raster on the same grid with the same classes; nodata stays nodata.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Wendet nur das Verfeinerungsnetz eines Modells an. Es liest Klassen statt Bilder und gibt jedem Pixel die Klasse, die zu seiner Umgebung passt. Nähte und kleine Fehler verschwinden, Grenzen folgen ihrer Nachbarschaft.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Eingabe&lt;/b&gt;: ein Rasterlayer mit einem Kanal von Klassennummern, gleich welcher Herkunft.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Ausgabe&lt;/b&gt;: ein Klassenraster auf demselben Gitter mit denselben Klassen; NoData bleibt NoData.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Model with a refinement network</source>
      <translation>Modell mit Verfeinerungsnetz</translation>
    </message>
    <message>
      <source>Refined classes</source>
      <translation>Verfeinerte Klassen</translation>
    </message>
    <message>
      <source>The model '{}' has no refinement network.</source>
      <translation>Das Modell '{}' hat kein Verfeinerungsnetz.</translation>
    </message>
    <message>
      <source>Choose another model.</source>
      <translation>Wählen Sie ein anderes Modell.</translation>
    </message>
    <message>
      <source>{}: refined</source>
      <translation>{}: verfeinert</translation>
    </message>
    <message>
      <source>'{}' is an online layer, which contains colors instead of class numbers.</source>
      <translation>'{}' ist ein Online-Layer; er enthält Farben statt Klassennummern.</translation>
    </message>
    <message>
      <source>Choose a raster file with one band of class numbers.</source>
      <translation>Wählen Sie eine Rasterdatei mit einem Kanal von Klassennummern.</translation>
    </message>
    <message>
      <source>'{}' has {} bands; a class raster has one.</source>
      <translation>'{}' hat {} Kanäle; ein Klassenraster hat einen.</translation>
    </message>
    <message>
      <source>Segment it first, or extract the band with the class numbers.</source>
      <translation>Segmentieren Sie es zuerst, oder extrahieren Sie den Kanal mit den Klassennummern.</translation>
    </message>
    <message>
      <source>Segment folder</source>
      <translation>Ordner segmentieren</translation>
    </message>
    <message>
      <source>batch,many,directory,tiles,orthophotos,land cover,buildings</source>
      <translation>Stapelverarbeitung,viele,Verzeichnis,Kacheln,Orthophotos,Landbedeckung,Gebäude</translation>
    </message>
    <message>
      <source>Segments all images of a folder; later runs process only what is missing or has changed</source>
      <translation>Segmentiert alle Bilder eines Ordners; spätere Läufe bearbeiten nur, was fehlt oder sich geändert hat</translation>
    </message>
    <message>
      <source>&lt;p&gt;Segments all images of a folder and its subfolders, one after the other, with the same model.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Input&lt;/b&gt;: a folder; every raster in it that GDAL can read is an image.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Output&lt;/b&gt;: a folder with the results of each image under its name, and a record of all images (batch.sqlite). If an image fails, the log says why, and the others are still processed. Run the algorithm again with the same folders to process only what is missing, has changed, or failed.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Segmentiert alle Bilder eines Ordners und seiner Unterordner nacheinander mit demselben Modell.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Eingabe&lt;/b&gt;: ein Ordner; jedes Raster darin, das GDAL lesen kann, ist ein Bild.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Ausgabe&lt;/b&gt;: ein Ordner mit den Ergebnissen jedes Bildes unter seinem Namen und einem Verzeichnis aller Bilder (batch.sqlite). Schlägt ein Bild fehl, steht der Grund im Protokoll, und die anderen werden trotzdem bearbeitet. Ein erneuter Lauf mit denselben Ordnern bearbeitet nur, was fehlt, sich geändert hat oder fehlgeschlagen ist.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Image folder</source>
      <translation>Bilderordner</translation>
    </message>
    <message>
      <source>Results</source>
      <translation>Ergebnisse</translation>
    </message>
    <message>
      <source>tif: class raster. mbtiles, pmtiles: vector tiles for web maps. All others: polygons.</source>
      <translation>tif: Klassenraster. mbtiles, pmtiles: Vektorkacheln für Webkarten. Alle anderen: Polygone.</translation>
    </message>
    <message>
      <source>Treat adjacent images as one</source>
      <translation>Angrenzende Bilder als eines behandeln</translation>
    </message>
    <message>
      <source>The network sees across the borders of the images, and polygons are not cut there.</source>
      <translation>Das Netz sieht über die Grenzen der Bilder hinweg, und Polygone werden dort nicht zerschnitten.</translation>
    </message>
    <message>
      <source>Stop at the first failure</source>
      <translation>Beim ersten Fehler anhalten</translation>
    </message>
    <message>
      <source>Output folder</source>
      <translation>Ausgabeordner</translation>
    </message>
    <message>
      <source>Images processed</source>
      <translation>Bearbeitete Bilder</translation>
    </message>
    <message>
      <source>Images failed</source>
      <translation>Fehlgeschlagene Bilder</translation>
    </message>
    <message>
      <source>No output is selected.</source>
      <translation>Es ist keine Ausgabe gewählt.</translation>
    </message>
    <message>
      <source>Select at least one output format.</source>
      <translation>Wählen Sie mindestens ein Ausgabeformat.</translation>
    </message>
    <message>
      <source>{} images processed, {} unchanged since an earlier run, {} failed, {} not started</source>
      <translation>{} Bilder bearbeitet, {} seit einem früheren Lauf unverändert, {} fehlgeschlagen, {} nicht begonnen</translation>
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
      <source>Extracts land cover or building polygons from aerial and satellite images of any size</source>
      <translation>Erzeugt Landbedeckungs- oder Gebäudepolygone aus beliebig großen Luft- und Satellitenbildern</translation>
    </message>
    <message>
      <source>&lt;p&gt;Assigns a class (building, road, water, ...) to each pixel of an image and converts the regions to polygons. The network sees each place together with its surroundings.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Input&lt;/b&gt;: any raster layer: files of any size, VRTs, and online layers (WMS, XYZ), of which the extent is downloaded first. Choose a model that was trained at about the pixel size of the layer; the FCtL Geo panel shows it.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Output&lt;/b&gt;: a class raster with colors and names, and polygons with class and true area in m².&lt;/p&gt;&lt;p&gt;The work is done by another process: QGIS stays responsive, its memory does not grow with the layer, and 'Cancel' leaves no incomplete file. A canceled run that writes to files of your own can be continued with the advanced parameter 'Resume a canceled run'.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Weist jedem Pixel eines Bildes eine Klasse zu (Gebäude, Straße, Wasser, ...) und wandelt die Flächen in Polygone um. Das Netz sieht jede Stelle zusammen mit ihrer Umgebung.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Eingabe&lt;/b&gt;: ein beliebiger Rasterlayer: Dateien jeder Größe, VRTs und Online-Layer (WMS, XYZ), von denen die Ausdehnung zuerst heruntergeladen wird. Wählen Sie ein Modell, das etwa mit der Pixelgröße des Layers trainiert wurde; das Bedienfeld 'FCtL Geo' zeigt sie.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Ausgabe&lt;/b&gt;: ein Klassenraster mit Farben und Namen sowie Polygone mit Klasse und wahrer Fläche in m².&lt;/p&gt;&lt;p&gt;Die Arbeit erledigt ein anderer Prozess: QGIS bleibt bedienbar, sein Speicherbedarf wächst nicht mit dem Layer, und 'Abbrechen' hinterlässt keine unvollständige Datei. Ein abgebrochener Lauf mit eigenen Ausgabedateien lässt sich mit dem erweiterten Parameter 'Abgebrochenen Lauf fortsetzen' fortsetzen.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Extent</source>
      <translation>Ausdehnung</translation>
    </message>
    <message>
      <source>The part of the image to segment. Empty: the whole image. Required for online layers.</source>
      <translation>Der Teil des Bildes, der segmentiert wird. Leer: das ganze Bild. Für Online-Layer erforderlich.</translation>
    </message>
    <message>
      <source>Resume a canceled run</source>
      <translation>Abgebrochenen Lauf fortsetzen</translation>
    </message>
    <message>
      <source>Reuses the finished parts of a canceled run with the same parameters and output files.</source>
      <translation>Verwendet die fertigen Teile eines abgebrochenen Laufs mit denselben Parametern und Ausgabedateien.</translation>
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
      <source>An additional raster with the confidence of each pixel's class, in percent.</source>
      <translation>Ein zusätzliches Raster mit der Konfidenz der Klasse jedes Pixels, in Prozent.</translation>
    </message>
    <message>
      <source>A page with a map, areas, confidence, sizes, warnings, and facts of the run.</source>
      <translation>Eine Seite mit Karte, Flächen, Konfidenz, Größen, Warnungen und Angaben zum Lauf.</translation>
    </message>
    <message>
      <source>Select a class raster, polygons, or both.</source>
      <translation>Wählen Sie ein Klassenraster, Polygone oder beides.</translation>
    </message>
    <message>
      <source>The model '{}' has no class '{}'.</source>
      <translation>Das Modell '{}' hat keine Klasse '{}'.</translation>
    </message>
    <message>
      <source>Classes of the model: {}.</source>
      <translation>Klassen des Modells: {}.</translation>
    </message>
    <message>
      <source>'{}' is an online layer, so it needs an extent.</source>
      <translation>'{}' ist ein Online-Layer und braucht deshalb eine Ausdehnung.</translation>
    </message>
    <message>
      <source>Choose an extent or an area of interest.</source>
      <translation>Wählen Sie eine Ausdehnung oder ein Interessengebiet.</translation>
    </message>
    <message>
      <source>The model '{}' accepts any pixel size, so one must be set for online layers.</source>
      <translation>Das Modell '{}' akzeptiert jede Pixelgröße, deshalb muss sie für Online-Layer angegeben werden.</translation>
    </message>
    <message>
      <source>Set 'Pixel size on the ground' (advanced parameters).</source>
      <translation>Geben Sie 'Pixelgröße am Boden' an (erweiterte Parameter).</translation>
    </message>
    <message>
      <source>The extent does not intersect the layer '{}'.</source>
      <translation>Die Ausdehnung liegt außerhalb des Layers '{}'.</translation>
    </message>
    <message>
      <source>The extent is {}, that of the layer {}.</source>
      <translation>Die Ausdehnung ist {}, die des Layers {}.</translation>
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
      <source>The layer '{}' has no CRS: areas are in pixels, and the pixel size is unknown. Set the CRS of the layer (right-click &gt; Layer CRS), or its pixel size (advanced parameters).</source>
      <translation>Der Layer '{}' hat kein KBS: Flächen werden in Pixeln angegeben, und die Pixelgröße ist unbekannt. Setzen Sie das KBS des Layers (Rechtsklick &gt; Layer-KBS), oder geben Sie die Pixelgröße an (erweiterte Parameter).</translation>
    </message>
    <message>
      <source>Train model</source>
      <translation>Modell trainieren</translation>
    </message>
    <message>
      <source>learn,samples,deep learning,fine-tune,labels,neural network</source>
      <translation>lernen,Trainingsdaten,Deep Learning,anpassen,Labels,neuronales Netz</translation>
    </message>
    <message>
      <source>Trains a model of your own from an image and labeled polygons</source>
      <translation>Trainiert ein eigenes Modell aus einem Bild und Polygonen mit Klassen</translation>
    </message>
    <message>
      <source>&lt;p&gt;Trains a model on your own classes, from an image and polygons that you have drawn or checked. Training starts from an existing model, so a few hundred polygons are enough.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Input&lt;/b&gt;: a raster layer, a polygon layer, and the field that contains the class of each polygon. Everything outside the polygons is ignored, unless you specify its class.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Output&lt;/b&gt;: a model file (.safetensors) with a model card next to it. The model appears in all model lists. A part of the image is held out from training to measure the accuracy, which is written to the log.&lt;/p&gt;&lt;p&gt;Adapting the last layers takes minutes, training the whole network hours without a GPU. A canceled run can be resumed: see the advanced parameters.&lt;/p&gt;</source>
      <translation>&lt;p&gt;Trainiert ein Modell auf eigene Klassen, aus einem Bild und gezeichneten oder geprüften Polygonen. Das Training beginnt mit einem vorhandenen Modell, deshalb genügen einige hundert Polygone.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Eingabe&lt;/b&gt;: ein Rasterlayer, ein Polygonlayer und das Feld, das die Klasse jedes Polygons enthält. Alles außerhalb der Polygone wird ignoriert, außer seine Klasse ist angegeben.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Ausgabe&lt;/b&gt;: eine Modelldatei (.safetensors) mit einer Modellkarte daneben. Das Modell erscheint in allen Modelllisten. Ein Teil des Bildes bleibt vom Training ausgenommen, um die Genauigkeit zu messen; sie steht im Protokoll.&lt;/p&gt;&lt;p&gt;Die letzten Schichten anzupassen dauert Minuten, das ganze Netz zu trainieren ohne GPU Stunden. Ein abgebrochener Lauf lässt sich fortsetzen: siehe die erweiterten Parameter.&lt;/p&gt;</translation>
    </message>
    <message>
      <source>Labeled polygons</source>
      <translation>Polygone mit Klassen</translation>
    </message>
    <message>
      <source>Class names or numbers.</source>
      <translation>Klassennamen oder -nummern.</translation>
    </message>
    <message>
      <source>Model to start from</source>
      <translation>Ausgangsmodell</translation>
    </message>
    <message>
      <source>Adapt the last layers only (minutes)</source>
      <translation>Nur die letzten Schichten anpassen (Minuten)</translation>
    </message>
    <message>
      <source>The encoder of the model stays as it is. Train the whole network if this is not accurate enough, and if there are many labels.</source>
      <translation>Der Encoder des Modells bleibt, wie er ist. Das ganze Netz trainieren, wenn das nicht genau genug ist und wenn es viele Labels gibt.</translation>
    </message>
    <message>
      <source>Training steps</source>
      <translation>Trainingsschritte</translation>
    </message>
    <message>
      <source>Empty: the default. A few hundred steps adapt a model, a few thousand teach new classes.</source>
      <translation>Leer: der Standardwert. Einige hundert Schritte passen ein Modell an, einige tausend bringen ihm neue Klassen bei.</translation>
    </message>
    <message>
      <source>Samples per step. Empty: the default. Smaller values need less memory.</source>
      <translation>Trainingsausschnitte je Schritt. Leer: der Standardwert. Kleinere Werte brauchen weniger Speicher.</translation>
    </message>
    <message>
      <source>Train the refinement network, too</source>
      <translation>Auch das Verfeinerungsnetz trainieren</translation>
    </message>
    <message>
      <source>It cleans up the segmentation network's result. It is left out if only the last layers are adapted.</source>
      <translation>Es bereinigt das Ergebnis des Segmentierungsnetzes. Es entfällt, wenn nur die letzten Schichten angepasst werden.</translation>
    </message>
    <message>
      <source>Continues from the last checkpoint of a run with the same parameters and model file.</source>
      <translation>Setzt beim letzten Zwischenstand eines Laufs mit denselben Parametern und derselben Modelldatei fort.</translation>
    </message>
    <message>
      <source>Model file</source>
      <translation>Modelldatei</translation>
    </message>
    <message>
      <source>First export the part that you want to train on to a file: right-click &gt; Export &gt; Save As.</source>
      <translation>Exportieren Sie den Teil, mit dem trainiert werden soll, zuerst in eine Datei: Rechtsklick &gt; Export &gt; Speichern als.</translation>
    </message>
    <message>
      <source>The pixel size of the layer is {:.3g} m, {:.1f} times coarser than the {:.3g} m that the model '{}' was trained at: expect poor results. Choose a finer layer or another model.</source>
      <translation>Die Pixelgröße des Layers ist {:.3g} m, {:.1f}-mal gröber als die {:.3g} m, mit denen das Modell '{}' trainiert wurde: Es sind schlechte Ergebnisse zu erwarten. Wählen Sie einen feineren Layer oder ein anderes Modell.</translation>
    </message>
    <message>
      <source>The pixel size of the layer is {:.3g} m, {:.0f} times finer than the {:.3g} m that the model '{}' was trained at: details are averaged away. A model for finer imagery may detect more.</source>
      <translation>Die Pixelgröße des Layers ist {:.3g} m, {:.0f}-mal feiner als die {:.3g} m, mit denen das Modell '{}' trainiert wurde: Einzelheiten gehen durch Mittelung verloren. Ein Modell für feinere Bilder erkennt eventuell mehr.</translation>
    </message>
    <message>
      <source>The model '{}' does not exist.</source>
      <translation>Das Modell '{}' gibt es nicht.</translation>
    </message>
    <message>
      <source>Included models: {}. Alternatively, choose a model file (.safetensors or .onnx).</source>
      <translation>Mitgelieferte Modelle: {}. Alternativ können Sie eine Modelldatei (.safetensors oder .onnx) wählen.</translation>
    </message>
    <message>
      <source>The model file {} does not exist.</source>
      <translation>Die Modelldatei {} gibt es nicht.</translation>
    </message>
    <message>
      <source>Check the path, or choose an included model.</source>
      <translation>Prüfen Sie den Pfad, oder wählen Sie ein mitgeliefertes Modell.</translation>
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
      <source>The Python interpreter of the engine, {}, does not exist (source: {}).</source>
      <translation>Den Python-Interpreter der Engine, {}, gibt es nicht (Quelle: {}).</translation>
    </message>
    <message>
      <source>Choose another interpreter, or set up the engine, in Settings &gt; Options &gt; FCtL Geo.</source>
      <translation>Wählen Sie unter Einstellungen &gt; Optionen &gt; FCtL Geo einen anderen Interpreter, oder richten Sie dort die Engine ein.</translation>
    </message>
    <message>
      <source>The engine has not been set up yet.</source>
      <translation>Die Engine ist noch nicht eingerichtet.</translation>
    </message>
    <message>
      <source>Click 'Set Up Engine' in Settings &gt; Options &gt; FCtL Geo, or select a Python interpreter with fctl-geo there.</source>
      <translation>Klicken Sie unter Einstellungen &gt; Optionen &gt; FCtL Geo auf 'Engine einrichten', oder wählen Sie dort einen Python-Interpreter mit fctl-geo.</translation>
    </message>
    <message>
      <source>{} could not be started: {}.</source>
      <translation>{} konnte nicht gestartet werden: {}.</translation>
    </message>
    <message>
      <source>The engine did not respond within {:.0f} s.</source>
      <translation>Die Engine hat innerhalb von {:.0f} s nicht geantwortet.</translation>
    </message>
    <message>
      <source>Canceled. No incomplete files were left behind.</source>
      <translation>Abgebrochen. Es sind keine unvollständigen Dateien zurückgeblieben.</translation>
    </message>
    <message>
      <source>Set up the engine again in Settings &gt; Options &gt; FCtL Geo.</source>
      <translation>Richten Sie die Engine unter Einstellungen &gt; Optionen &gt; FCtL Geo neu ein.</translation>
    </message>
    <message>
      <source>The Python interpreter {} has no working fctl-geo: {}</source>
      <translation>Der Python-Interpreter {} hat kein funktionierendes fctl-geo: {}</translation>
    </message>
    <message>
      <source>Choose an interpreter with fctl-geo, or set up the engine, in Settings &gt; Options &gt; FCtL Geo.</source>
      <translation>Wählen Sie unter Einstellungen &gt; Optionen &gt; FCtL Geo einen Interpreter mit fctl-geo, oder richten Sie dort die Engine ein.</translation>
    </message>
    <message>
      <source>The engine does not match this version of the plugin: {}</source>
      <translation>Die Engine passt nicht zu dieser Version des Plugins: {}</translation>
    </message>
    <message>
      <source>The engine was killed, most likely because it ran out of memory. {}</source>
      <translation>Die Engine wurde beendet, wahrscheinlich aus Speichermangel. {}</translation>
    </message>
    <message>
      <source>Close other programs, or set 'Memory limit' (advanced parameters) to less than the free memory.</source>
      <translation>Schließen Sie andere Programme, oder setzen Sie 'Speicherlimit' (erweiterte Parameter) auf weniger als den freien Speicher.</translation>
    </message>
    <message>
      <source>The engine stopped with exit code {} and without an error message. {}</source>
      <translation>Die Engine hat sich mit Code {} und ohne Fehlermeldung beendet. {}</translation>
    </message>
    <message>
      <source>The extent does not intersect the online layer '{}'.</source>
      <translation>Die Ausdehnung liegt außerhalb des Online-Layers '{}'.</translation>
    </message>
    <message>
      <source>Choose an extent that the layer covers.</source>
      <translation>Wählen Sie eine Ausdehnung, die der Layer abdeckt.</translation>
    </message>
    <message>
      <source>The online layer '{}' has no CRS, so its pixel size cannot be determined.</source>
      <translation>Der Online-Layer '{}' hat kein KBS, deshalb lässt sich seine Pixelgröße nicht bestimmen.</translation>
    </message>
    <message>
      <source>Set its CRS: right-click the layer &gt; Layer CRS.</source>
      <translation>Setzen Sie sein KBS: Rechtsklick auf den Layer &gt; Layer-KBS.</translation>
    </message>
    <message>
      <source>The extent has {:,.0f} million pixels of {:.3g} m, which is too much for an online layer.</source>
      <translation>Die Ausdehnung hat {:,.0f} Millionen Pixel von {:.3g} m; das ist zu viel für einen Online-Layer.</translation>
    </message>
    <message>
      <source>Choose a smaller extent or a larger pixel size.</source>
      <translation>Wählen Sie eine kleinere Ausdehnung oder größere Pixel.</translation>
    </message>
    <message>
      <source>Downloading {} x {} pixels of the online layer '{}' in {} requests</source>
      <translation>Lade {} x {} Pixel des Online-Layers '{}' in {} Anfragen herunter</translation>
    </message>
    <message>
      <source>{} could not be written: {}</source>
      <translation>{} konnte nicht geschrieben werden: {}</translation>
    </message>
    <message>
      <source>The copy of the online layer could not be written to {}. The disk may be full.</source>
      <translation>Die Kopie des Online-Layers konnte nicht nach {} geschrieben werden. Eventuell ist der Datenträger voll.</translation>
    </message>
    <message>
      <source>Free some space there, or choose a smaller extent.</source>
      <translation>Schaffen Sie dort Platz, oder wählen Sie eine kleinere Ausdehnung.</translation>
    </message>
    <message>
      <source>no image received</source>
      <translation>kein Bild empfangen</translation>
    </message>
    <message>
      <source>Request for column {}, row {} failed: {}</source>
      <translation>Anfrage für Spalte {}, Zeile {} fehlgeschlagen: {}</translation>
    </message>
    <message>
      <source>The server of '{}' failed {} times for the same request: {}</source>
      <translation>Der Server von '{}' ist {}-mal an derselben Anfrage gescheitert: {}</translation>
    </message>
    <message>
      <source>Try again later, or save the layer to a file first: Layer &gt; Save As.</source>
      <translation>Versuchen Sie es später noch einmal, oder speichern Sie den Layer zuerst in eine Datei: Layer &gt; Speichern als.</translation>
    </message>
    <message>
      <source>FCtL Geo</source>
      <translation>FCtL Geo</translation>
    </message>
    <message>
      <source>Set Up Engine...</source>
      <translation>Engine einrichten...</translation>
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
      <source>Segments only the visible part of the map, within seconds</source>
      <translation>Segmentiert nur den sichtbaren Teil der Karte, in Sekunden</translation>
    </message>
    <message>
      <source>Cancel</source>
      <translation>Abbrechen</translation>
    </message>
    <message>
      <source>All Parameters...</source>
      <translation>Alle Parameter...</translation>
    </message>
    <message>
      <source>Options...</source>
      <translation>Optionen...</translation>
    </message>
    <message>
      <source>Checking the engine...</source>
      <translation>Engine wird geprüft...</translation>
    </message>
    <message>
      <source>Canceling: the engine finishes its current step...</source>
      <translation>Wird abgebrochen: Die Engine beendet ihren aktuellen Schritt...</translation>
    </message>
    <message>
      <source>Starting the engine...</source>
      <translation>Engine wird gestartet...</translation>
    </message>
    <message>
      <source>Done: {}</source>
      <translation>Fertig: {}</translation>
    </message>
    <message>
      <source>Checking the engine</source>
      <translation>Prüfung der Engine</translation>
    </message>
    <message>
      <source>CPU, {} cores</source>
      <translation>CPU, {} Kerne</translation>
    </message>
    <message>
      <source>any pixel size</source>
      <translation>beliebige Pixelgröße</translation>
    </message>
    <message>
      <source>trained at {:.3g} m per pixel</source>
      <translation>trainiert mit {:.3g} m je Pixel</translation>
    </message>
    <message>
      <source>bands: {}</source>
      <translation>Kanäle: {}</translation>
    </message>
    <message>
      <source>measured IoU: {}</source>
      <translation>gemessene IoU: {}</translation>
    </message>
    <message>
      <source>License: {}</source>
      <translation>Lizenz: {}</translation>
    </message>
    <message>
      <source>Choose a model file</source>
      <translation>Modelldatei wählen</translation>
    </message>
    <message>
      <source>Empty: the engine set up here</source>
      <translation>Leer: die hier eingerichtete Engine</translation>
    </message>
    <message>
      <source>Check</source>
      <translation>Prüfen</translation>
    </message>
    <message>
      <source>All cores</source>
      <translation>Alle Kerne</translation>
    </message>
    <message>
      <source>As needed</source>
      <translation>Nach Bedarf</translation>
    </message>
    <message>
      <source>Engine</source>
      <translation>Engine</translation>
    </message>
    <message>
      <source>The networks run in a separate process with its own Python, so they cannot slow down or crash QGIS.</source>
      <translation>Die Netze laufen in einem eigenen Prozess mit eigenem Python und können QGIS deshalb weder bremsen noch zum Absturz bringen.</translation>
    </message>
    <message>
      <source>Python with fctl-geo</source>
      <translation>Python mit fctl-geo</translation>
    </message>
    <message>
      <source>Defaults for New Runs</source>
      <translation>Vorgaben für neue Läufe</translation>
    </message>
    <message>
      <source>Memory limit</source>
      <translation>Speicherlimit</translation>
    </message>
    <message>
      <source>Checking...</source>
      <translation>Wird geprüft...</translation>
    </message>
    <message>
      <source>The engine works: {}</source>
      <translation>Die Engine funktioniert: {}</translation>
    </message>
    <message>
      <source>Zoom in: with this model, a preview is limited to {0:,.0f} x {0:,.0f} m, and {1:,.0f} x {2:,.0f} m are visible.</source>
      <translation>Zoomen Sie hinein: Mit diesem Modell ist die Vorschau auf {0:,.0f} x {0:,.0f} m begrenzt, sichtbar sind {1:,.0f} x {2:,.0f} m.</translation>
    </message>
    <message>
      <source>Preview: {}</source>
      <translation>Vorschau: {}</translation>
    </message>
    <message>
      <source>Minimum area</source>
      <translation>Mindestfläche</translation>
    </message>
    <message>
      <source>Simplify</source>
      <translation>Vereinfachen</translation>
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
      <source>Within polygons of</source>
      <translation>Innerhalb der Polygone von</translation>
    </message>
    <message>
      <source>Selected features only</source>
      <translation>Nur gewählte Objekte</translation>
    </message>
    <message>
      <source>Smaller regions are merged into the neighbor with which they share the longest border.</source>
      <translation>Kleinere Flächen werden mit dem Nachbarn zusammengefasst, mit dem sie die längste Grenze teilen.</translation>
    </message>
    <message>
      <source>Borders may move this far when they are straightened. One to two pixels are a good value.</source>
      <translation>So weit dürfen sich Grenzen beim Begradigen verschieben. Ein bis zwei Pixel sind ein guter Wert.</translation>
    </message>
    <message>
      <source>Touching buildings share their walls. Buildings that cannot be squared keep their simplified outline.</source>
      <translation>Aneinanderstoßende Gebäude teilen sich ihre Wände. Gebäude, die sich nicht begradigen lassen, behalten ihren vereinfachten Umriss.</translation>
    </message>
    <message>
      <source>Temporary files</source>
      <translation>Temporäre Dateien</translation>
    </message>
    <message>
      <source>The layer has no CRS, so areas are in pixels. To set it, right-click the layer &gt; Layer CRS.</source>
      <translation>Der Layer hat kein KBS, deshalb werden Flächen in Pixeln angegeben. Setzen Sie es mit Rechtsklick auf den Layer &gt; Layer-KBS.</translation>
    </message>
    <message>
      <source>Add a raster layer to the project first.</source>
      <translation>Fügen Sie dem Projekt zuerst einen Rasterlayer hinzu.</translation>
    </message>
    <message>
      <source>There is no polygon layer: add one to the project, or choose another extent.</source>
      <translation>Es gibt keinen Polygonlayer: Fügen Sie dem Projekt einen hinzu, oder wählen Sie eine andere Ausdehnung.</translation>
    </message>
    <message>
      <source>no CRS</source>
      <translation>kein KBS</translation>
    </message>
    <message>
      <source>online layer, {}: the extent is downloaded first</source>
      <translation>Online-Layer, {}: die Ausdehnung wird zuerst heruntergeladen</translation>
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
      <source>The parameters are not valid.</source>
      <translation>Die Parameter sind ungültig.</translation>
    </message>
    <message>
      <source>{} could not be loaded.</source>
      <translation>{} konnte nicht geladen werden.</translation>
    </message>
    <message>
      <source>Recent Runs</source>
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
      <source>Double-click a run to load its results again</source>
      <translation>Ein Doppelklick auf einen Lauf lädt seine Ergebnisse noch einmal</translation>
    </message>
    <message>
      <source>canceled</source>
      <translation>abgebrochen</translation>
    </message>
    <message>
      <source>failed</source>
      <translation>fehlgeschlagen</translation>
    </message>
    <message>
      <source>{} no longer exists.</source>
      <translation>{} gibt es nicht mehr.</translation>
    </message>
    <message>
      <source>Setting up the FCtL Geo engine</source>
      <translation>FCtL-Geo-Engine wird eingerichtet</translation>
    </message>
    <message>
      <source>Set Up FCtL Geo Engine</source>
      <translation>FCtL-Geo-Engine einrichten</translation>
    </message>
    <message>
      <source>The engine is installed in a virtual environment in your QGIS profile; the Python of QGIS is not changed. This requires Python 3.11 or newer and about 2 GB of disk space (8 GB with CUDA), and takes a few minutes.</source>
      <translation>Die Engine wird in einer virtuellen Umgebung in Ihrem QGIS-Profil installiert; das Python von QGIS bleibt unverändert. Das erfordert Python 3.11 oder neuer und etwa 2 GB Speicherplatz (8 GB mit CUDA) und dauert einige Minuten.</translation>
    </message>
    <message>
      <source>CPU: works on every computer</source>
      <translation>CPU: läuft auf jedem Computer</translation>
    </message>
    <message>
      <source>NVIDIA GPU (CUDA)</source>
      <translation>NVIDIA-GPU (CUDA)</translation>
    </message>
    <message>
      <source>Detected automatically</source>
      <translation>Automatisch erkannt</translation>
    </message>
    <message>
      <source>Empty: from the internet, using the proxy of QGIS</source>
      <translation>Leer: aus dem Internet, über den Proxy von QGIS</translation>
    </message>
    <message>
      <source>Set Up</source>
      <translation>Einrichten</translation>
    </message>
    <message>
      <source>Runs on</source>
      <translation>Läuft auf</translation>
    </message>
    <message>
      <source>Wheels folder (offline)</source>
      <translation>Ordner mit Wheels (offline)</translation>
    </message>
    <message>
      <source>Python to use</source>
      <translation>Zu verwendendes Python</translation>
    </message>
    <message>
      <source>Canceling...</source>
      <translation>Wird abgebrochen...</translation>
    </message>
    <message>
      <source>Using {}</source>
      <translation>Verwende {}</translation>
    </message>
    <message>
      <source>Setting up...</source>
      <translation>Wird eingerichtet...</translation>
    </message>
    <message>
      <source>Try Again</source>
      <translation>Erneut versuchen</translation>
    </message>
    <message>
      <source>Set Up Again</source>
      <translation>Neu einrichten</translation>
    </message>
    <message>
      <source>The engine is ready.</source>
      <translation>Die Engine ist bereit.</translation>
    </message>
    <message>
      <source>Off</source>
      <translation>Aus</translation>
    </message>
    <message>
      <source>Creating the virtual environment</source>
      <translation>Virtuelle Umgebung wird angelegt</translation>
    </message>
    <message>
      <source>Installing from the wheels folder</source>
      <translation>Installation aus dem Ordner mit Wheels</translation>
    </message>
    <message>
      <source>Downloading torch (the largest package)</source>
      <translation>torch wird heruntergeladen (das größte Paket)</translation>
    </message>
    <message>
      <source>Downloading the other packages</source>
      <translation>Die übrigen Pakete werden heruntergeladen</translation>
    </message>
    <message>
      <source>The wheels folder takes precedence: the engine runs on the device that the torch in it was built for.</source>
      <translation>Der Ordner mit Wheels hat Vorrang: Die Engine läuft auf dem Gerät, für das torch darin gebaut ist.</translation>
    </message>
    <message>
      <source>No NVIDIA driver was found (nvidia-smi is missing): torch for CUDA would need several GB more and still run on the CPU. Install the driver of the GPU first, or choose CPU.</source>
      <translation>Es wurde kein NVIDIA-Treiber gefunden (nvidia-smi fehlt): torch für CUDA würde mehrere GB mehr belegen und trotzdem auf der CPU laufen. Installieren Sie zuerst den Treiber der GPU, oder wählen Sie CPU.</translation>
    </message>
    <message>
      <source>This computer has an NVIDIA GPU: runs are many times faster with CUDA.</source>
      <translation>Dieser Computer hat eine NVIDIA-GPU: Mit CUDA sind Läufe um ein Vielfaches schneller.</translation>
    </message>
    <message>
      <source>No Python 3.11 or newer that can create virtual environments was found. {}</source>
      <translation>Es wurde kein Python ab 3.11 gefunden, das virtuelle Umgebungen anlegen kann. {}</translation>
    </message>
    <message>
      <source>Install Python from python.org (on Debian and Ubuntu: apt install python3-venv), then try again.</source>
      <translation>Installieren Sie Python von python.org (auf Debian und Ubuntu: apt install python3-venv), und versuchen Sie es dann noch einmal.</translation>
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
      <source>Network error; trying again ({} of {})</source>
      <translation>Netzwerkfehler; neuer Versuch ({} von {})</translation>
    </message>
    <message>
      <source>Canceled. The engine was not set up.</source>
      <translation>Abgebrochen. Die Engine wurde nicht eingerichtet.</translation>
    </message>
    <message>
      <source>The disk is full. The engine needs about 2 GB (8 GB with CUDA). {}</source>
      <translation>Der Datenträger ist voll. Die Engine braucht etwa 2 GB (8 GB mit CUDA). {}</translation>
    </message>
    <message>
      <source>Free some space on the disk of your QGIS profile, then try again.</source>
      <translation>Schaffen Sie Platz auf dem Datenträger Ihres QGIS-Profils, und versuchen Sie es dann noch einmal.</translation>
    </message>
    <message>
      <source>Packages are missing in the folder {}. {}</source>
      <translation>Im Ordner {} fehlen Pakete. {}</translation>
    </message>
    <message>
      <source>On a computer with internet access and the same system ({}) and Python version, run: pip download -d FOLDER --extra-index-url {} {}</source>
      <translation>Führen Sie auf einem Computer mit Internetzugang, gleichem System ({}) und gleicher Python-Version aus: pip download -d ORDNER --extra-index-url {} {}</translation>
    </message>
    <message>
      <source>The package server could not be reached. {}</source>
      <translation>Der Paketserver war nicht erreichbar. {}</translation>
    </message>
    <message>
      <source>Check the proxy in Settings &gt; Options &gt; Network, or install from a folder of wheels.</source>
      <translation>Prüfen Sie den Proxy unter Einstellungen &gt; Optionen &gt; Netzwerk, oder installieren Sie aus einem Ordner mit Wheels.</translation>
    </message>
    <message>
      <source>The engine could not be installed. {}</source>
      <translation>Die Engine konnte nicht installiert werden. {}</translation>
    </message>
    <message>
      <source>See the log for the output of pip.</source>
      <translation>Das Protokoll enthält die Ausgabe von pip.</translation>
    </message>
    <message>
      <source>Checking the new engine</source>
      <translation>Die neue Engine wird geprüft</translation>
    </message>
    <message>
      <source>Land cover and building polygons from images of the map</source>
      <translation>Landbedeckungs- und Gebäudepolygone aus den Bildern der Karte</translation>
    </message>
    <message>
      <source>FCtL Geo: land cover and building polygons</source>
      <translation>FCtL Geo: Landbedeckungs- und Gebäudepolygone</translation>
    </message>
    <message>
      <source>, {:,} polygons</source>
      <translation>, {:,} Polygone</translation>
    </message>
    <message>
      <source>nodata: {:.1f}%</source>
      <translation>NoData: {:.1f} %</translation>
    </message>
    <message>
      <source> on {}</source>
      <translation> auf {}</translation>
    </message>
    <message>
      <source>Accuracy</source>
      <translation>Genauigkeit</translation>
    </message>
    <message>
      <source>{:,.0f} pixels</source>
      <translation>{:,.0f} Pixel</translation>
    </message>
    <message>
      <source>The layer '{}' is not valid.</source>
      <translation>Der Layer '{}' ist ungültig.</translation>
    </message>
    <message>
      <source>Check that its file still exists, or that its server can be reached.</source>
      <translation>Prüfen Sie, ob seine Datei noch existiert und sein Server erreichbar ist.</translation>
    </message>
    <message>
      <source>The CRS {1} could not be assigned to the layer '{0}'.</source>
      <translation>Dem Layer '{0}' konnte das KBS {1} nicht zugewiesen werden.</translation>
    </message>
    <message>
      <source>Assign the CRS to the file itself: Raster &gt; Projections &gt; Assign Projection.</source>
      <translation>Weisen Sie das KBS der Datei selbst zu: Raster &gt; Projektionen &gt; Projektion zuweisen.</translation>
    </message>
    <message>
      <source>{} could not be written: {}.</source>
      <translation>{} konnte nicht geschrieben werden: {}.</translation>
    </message>
    <message>
      <source>{} has no polygons.</source>
      <translation>{} enthält keine Polygone.</translation>
    </message>
    <message>
      <source>Choose a polygon layer with features. If 'Selected features only' is checked, select some features.</source>
      <translation>Wählen Sie einen Polygonlayer mit Objekten. Ist 'Nur gewählte Objekte' angehakt, wählen Sie einige Objekte aus.</translation>
    </message>
  </context>
</TS>
