"""Kolibri's CSV exports in other languages: names of columns, and what a learner is called.

As Kolibri 0.19 (MIT licence) has them in its own message catalogues. A column is known by its
English name; of the kinds of users only the learner's is ever asked for.
"""

from __future__ import annotations

COLUMNS = (
    "Facility name",
    "Username",
    "User type",
    "Content id",
    "Channel id",
    "Time of first interaction",
    "Time of last interaction",
    "Time of completion",
    "Time Spent (sec)",
    "Progress (0-1)",
    "Content kind",
)

_TRANSLATED = (
    "اسم المَرْفق التعليمي|اسم المستخدم|نوع المستخدم|معرف المحتوى|معرّف القناة|"
    "توقيت أول تفاعل|توقيت آخر تفاعل|وقت الإكمال|الوقت المستغرق (بالثواني)|التقدم (0-1)|"
    "نوع المحتوى",  # ar
    "Име на институцията|Потребителско име|Вид потребител|Идентификатор на съдържанието|"
    "Идентификатор на канала|Време на първото взаимодействие|"
    "Време на последното взаимодействие|Време на завършване|Прекарано време (сек)|"
    "Напредък (0-1)|Вид съдържание",  # bg_BG
    "ফ্যাসিলিটির নাম|ব্যবহারকারী নাম|ব্যবহারকারীর ধরণ|কন্টেন্ট/বিষয়বস্তুর আইডি|"
    "চ্যানেল আইডি|প্রথম ব্যবহারের সময়|সর্বশেষ যোগাযোগের সময়|সমাপ্তির সময়|"
    "ব্যয়িত সময় (সেকেন্ড)|অগ্রগতি (০–১)|বিষয়বস্তুর প্রকার",  # bn_BD
    "Einrichtungsname|Benutzername|Benutzertyp|Inhalts-ID|Kanal-ID|"
    "Erste Interaktion am/um|Letzte Interaktion am/um|Fertigstellung am/um|Dauer (Sek.)|"
    "Fortschritt (0-1)|Inhaltstyp",  # de
    "Όνομα εκπαιευτικού πλαισίου|Όνομα Χρήστη|Τύπος χρήστη|Ταυτότητα περιεχομένου|"
    "Ταυτότητα καναλιού|Χρόνος πρώτης αλληλεπίδρασης|Χρόνος τελευταίας αλληλεπίδρασης|"
    "Χρόνος ολοκλήρωσης|Χρόνος που δαπανήθηκε (δευτ.)|Πρόοδος (0-1)|Είδος περιεχομένου",  # el
    "Nombre del centro educativo|Nombre de usuario|Tipo de usuario|Id del recurso|"
    "Id del canal|Hora de la primera interacción|Hora de la última interacción|"
    "Tiempo de finalización|Tiempo empleado (seg)|Progreso (0-1)|Tipo de recurso",  # es_419
    "Nombre del centro educativo|Nombre de usuario|Tipo de usuario|Id del recurso|"
    "Id del canal|Hora de la primera interacción|Hora de la última interacción|"
    "Tiempo de finalización|Tiempo empleado (segundos)|Progreso (0-1)|Tipo de recurso",  # es_ES
    "نام مرکز|نام کاربری|نوع کاربر|شناسه محتوا|شناسه کانال|زمان اولین تعامل|"
    "زمان آخرین تعامل|زمان تکمیل|زمان صرف‌شده (ثانیه)|پیشرفت (‎0-1)|نوع محتوا",  # fa
    "Innde wuro bote|Innde kuutiniroowo|Iri kuutiniroowo moye|Danditee nastoojum|"
    "Danditee wuro janngugo|Wakkati kuudal artungal|Wakkati kuudal sakitiingal|"
    "Wakkati ɗum timmi|Wakkati ɗum hoosi (sekond)|Jahal yeeso (0-1)|Iri nastoojum",  # ff_CM
    "Nom de l'établissement|Nom d'utilisateur|Type d'utilisateur|ID du contenu|"
    "Identifiant de la chaîne|Moment de la première interaction|"
    "Moment de la dernière interaction|Durée estimée|Temps passé (sec)|Progression (0-1)|"
    "Type de contenu",  # fr_FR
    "સુવિધા નામ|વપરાશકર્તાનામ|વપરાશકર્તા પ્રકાર|સામગ્રી ID|ચૅનલ ID|"
    "પ્રથમ ક્રિયા-પ્રતિક્રિયાનો સમય|અંતિમ ક્રિયા-પ્રતિક્રિયાનો સમય|પૂર્ણ થયાનો સમય|"
    "વિતાવેલો સમય (સેકંડ)|પ્રોગ્રેસ (0-1)|સામગ્રીનો પ્રકાર",  # gu_IN
    "Sunan cibiya|Sunan Mai amfani|Irin yuza|Id na abinda ke ciki|Id na tasha|"
    "Lokacin taɗin farko|Lokacin taɗin ƙarshe|Lokacin kammalawa|Tsawon lokaci (sakan)|"
    "Ci-gaba (01)|Nau'in bayanai",  # ha
    "सुविधा नाम|यूजरनेम|उपयोगकर्ता प्रकार|कंटेंट आईडी|चैनल आईडी|पहली बातचीत का समय|"
    "अंतिम बातचीत का समय|पूरा होने का समय|बिताया गया समय (सेकंड)|प्रगति (0-1)|"
    "कॉन्टेंट का प्रकार",  # hi_IN
    "Non lekòl la|Non itilizatè|Tip itilizatè|Id kontni an|Id chèn lan|"
    "Lè premye entèraksyon an|Lè dènye entèraksyon|Lè sa fini|Tan ki Pase (seg)|"
    "Pwogresyon (0-1)|Tip kontni",  # ht
    "Nama fasilitas|Nama pengguna|Jenis pengguna|Identitas konten|Identitas saluran|"
    "Waktu interaksi pertama|Waktu interaksi terakhir|Waktu penyelesaian|"
    "Waktu Dihabiskan (dtk)|Kemajuan (0-1)|Jenis konten",  # id
    "Nome struttura|Nome utente|Tipologia di utente|Id contenuto|Id Canale|"
    "Tempo della prima interazione|Tempo dell'ultima interazione|Tempo di completamento|"
    "Tempo impiegato (sec)|Progressi (0-1)|Tipo di contenuto",  # it
    "დაწესებულების სახელი|მომხმარებლის სახელი|მომხმარებლის ტიპი|მასალის id|არხის id|"
    "პირველი ურთიერთქმედების დრო|ბოლო ურთიერთქმედების დრო|დასრულების დრო|"
    "დახარჯული დრო (წმ)|პროგრესი (0-1)|მასალის ტიპი",  # ka
    "ឈ្មោះទីតាំង|ឈ្មោះអ្នកប្រើ|ប្រភេទអ្នកប្រើ|លេខសម្គាល់មាតិកា|លេខសម្គាល់ឆានែល|"
    "ម៉ោងអន្តរកម្មដំបូង|ម៉ោងអន្ដរកម្មចុងក្រោយ|ម៉ោងបញ្ចប់|ម៉ោងដែលបានចំណាយ (ជាវិនាទី)|"
    "ដំណើរវិវឌ្ឍន៍ (0-1)|ប្រភេទមាតិកា",  # km
    "기관명|닉네임|사용자 유형|콘텐츠 ID|채널 ID|"
    "최초 상호작용 시간|최근 상호작용 시간|완료 시간|소요된 시간 (초)|진행 (0-1)|콘텐츠 종류",  # ko
    "सुविधेचे नाव|युझरनेम|युझरचे प्रकार|मजकुर आयडी|चॅनल आयडी|पहिल्या संवादाची वेळ|"
    "शेवटच्या संवादाची वेळ|पूर्ण होण्याची वेळ|लागलेला वेळ (सेकंद)|प्रगती (0-1)|"
    "मजकुराचा प्रकार",  # mr
    "ဌာန အမည်|အသုံးပြုသူအမည်|အသုံးပြုသူအမျိုးအစား|အကြောင်းအရာ ID|ချန်နယ် ID|"
    "ပထမဆုံး ၀င်ရသည့် အချိန်|နောက်ဆုံးချိတ်ဆက်ခဲ့သည့်အချိန်|ပြီးစီးချိန်|"
    "အချိန် (စက္ကန့်)|တိုးတက်မှု (၀-၁)၊|အကြောင်းအရာအမျိုးအစား",  # my
    "Dzina la Bungwe|Dzina lolowera|Mtundu wa amene akugwiritsa ntchito|"
    "Chizindikilitso cha zamkati|Chizindikiro cha tchanelo|Nthawi ya kulumikiza koyamba|"
    "Nthawi ya kulumikiza komaliza|Nthawi yomalizira|"
    "Nthawi yomwe mwagwiritsa ntchito (masekondi)|Momwe zikuyendera (0-1)|"
    "Mtundu wa zopezeka mkatimu",  # ny
    "ਸਹੂਲਤ ਦਾ ਨਾਮ|ਯੂਜ਼ਰਨੇਮ|ਯੂਜ਼ਰ ਟਾਈਪ|ਕੰਟੈਂਟ ਆਈ ਡੀ|ਚੈਨਲ ਆਈ.ਡੀ|ਪਹਿਲੀ ਗੱਲਬਾਤ ਦਾ ਸਮਾਂ|"
    "ਆਖਰੀ ਗੱਲਬਾਤ ਦਾ ਸਮਾਂ|ਪੂਰਾ ਹੋਣ ਦਾ ਸਮਾਂ|ਸਮਾਂ ਬਿਤਾਇਆ (ਸਕਿੰਟ)|ਤਰੱਕੀ (0-1)|ਕੰਟੈਂਟ ਕਾਈਂਡ",  # pa
    "Nome da instituição|Nome de usuário|Tipo de usuário|ID do conteúdo|ID do canal|"
    "Horário da primeira interação|Horário da última interação|Horário da conclusão|"
    "Tempo gasto (em segundos)|Progresso (0-1)|Tipo de conteúdo",  # pt_BR
    "Nome da instituição|Nome de utilizador|Tipo de utilizador|ID do conteúdo|"
    "ID do canal|Hora da primeira interação|Hora da última interação|Hora da conclusão|"
    "Tempo gasto (seg)|Progresso (0-1)|Tipo de conteúdo",  # pt_MZ
    "Jina la kituo cha mafunzo|Jina la mtumiaji|Aina ya mtumiaji|"
    "Kitambulisho cha maudhui|Kitambulisho cha kituo|Wakati wa matumizi ya kwanza|"
    "Wakati wa matumizi ya mwisho|Saa ya kukamilisha|Muda uliotumia (sekunde)|"
    "Maendeleo (0-1)|Aina ya maudhui",  # sw_TZ
    "సదుపాయం పేరు|వినియోగదారు పేరు|వినియోగదారు రకం|కంటెంట్‌ ఐడి|ఛానల్‌ ఐడి|"
    "మొదటి ప్రతిచర్య సమయం|చివరి ప్రతిచర్య సమయం|పూర్తయిన సమయం|వెచ్చించిన సమయం (సెకన్లు)|"
    "పురోగతి (0-1)|కంటెంట్‌ రకం",  # te
    "Назва закладу|Ім'я користувача|Тип користувача|Ідентифікатор контенту|"
    "Ідентифікатор каналу|Час першої взаємодії|Час останньої взаємодії|Час виконання|"
    "Витрачено часу (сек.)|Прогрес (0—1)|Тип контенту",  # uk
    "تعلیمی ادارہ کا نام|صارف کا نام|صارف کی قسم|مواد کی آئی ڈی (ID)|چینل آئی ڈی (id)|"
    "ابتدائی رابطے کا وقت|گزشتہ رابطے کا وقت|تکمیل کا وقت|صرف کیا گیا وقت (سیکنڈ)|"
    "پیش رفت (0-1)|مواد کی قسم",  # ur_PK
    "Tên địa điểm|Tên người dùng|Loại người dùng|ID nội dung|ID kênh|"
    "Thời gian tương tác lần đầu|Thời gian tương tác gần nhất|Thời gian hoàn thành|"
    "Thời gian Thực hiện (giây)|Tiến độ (0-1)|Loại nội dung",  # vi
    "Orúkọ ohun elò|Orúkọ aṣàmúlò|Irúfẹ́ olùṣàmúlò|Ìdánimọ̀ àkòónú|"
    "Ìdánimọ̀ ìkànnì|Àkókò tí wọ́n kọ́kọ́ bára wọn lò|Àkókò ìfọwọ́sowọ́pọ̀ ìkẹyìn|"
    "Àkókò tí wọ́n parí|Àkókò tí wọ́n lò (ìyẹn ní ìṣẹ́jú àáyá)|Ìlọsíwájú (0-1)|"
    "Oríṣi akosinu",  # yo
    "设施名称|用户名|用户类型|内容 ID|频道 ID|"
    "首次交互时间|上次交互时间|完成时间|花费的时间（秒）|进度 (0-1)|内容类型",  # zh_Hans
)

ALIASES = {
    theirs: ours
    for row in _TRANSLATED
    for theirs, ours in zip(row.split("|"), COLUMNS, strict=True)
    if theirs != ours
}
"""From a translated column to the English one."""

LEARNERS = frozenset(
    {
        "Akẹ́kọ̀ọ́",
        "Aluno",
        "Apprenant",
        "Elèv",
        "Estudante",
        "Estudiante",
        "Học viên",
        "Learner",
        "Lerner",
        "Mai koyo",
        "Mwanafunzi",
        "Pelajar",
        "Pukaraajo",
        "Studente",
        "Wophunzira",
        "Εκπαιδευόμενος",
        "Ученик",
        "Учень",
        "المتعلّم",
        "دانش‌آموز",
        "طالب",
        "विद्यार्थी",
        "शिक्षणार्थी/पाठक",
        "শিক্ষার্থী",
        "ਸਿੱਖਣ ਵਾਲੇ",
        "શીખનારાઓ",
        "నేర్చుకునేవాళ్లు",
        "သင်ယူသူ",
        "მოსწავლე",
        "អ្នកសិក្សា",
        "学生",
        "학생",
    }
)
"""What the exports call a learner."""
